# What is refused or warned of at evaluation. Each message ends with what to set.
{
  config,
  lib,
  options,
  pkgs,
  utils,
  ...
}:

let
  cfg = config.sops;
  phases = import ./phases.nix { inherit config lib pkgs; };
  keySources = import ../module-common/key-sources.nix { inherit lib cfg; };
  lateKeys = import ./late-keys.nix { inherit config lib utils; };
  fileSystemsChecks = import ./file-systems-checks.nix {
    inherit
      config
      lib
      phases
      utils
      ways
      ;
  };
  commonChecks = import ../module-common/checks.nix { inherit lib cfg; };

  ways = import ./ways.nix {
    inherit
      config
      lib
      options
      phases
      utils
      ;
  };

  isSet = number: number != null && number != 0;
  inherit (import ./needs.nix { inherit lib; }) needsOf needOf;

  # In a manifest null for both would mean root, which nobody meant here.
  ownerAssertions = lib.concatMap (
    { option, entry, ... }:
    [
      {
        assertion = entry.owner != null || entry.uid != null;
        message = "${option} has neither an owner nor a uid, both are null: set one of them (users.users.<name>.uid is null unless the configuration says the number).";
      }
      {
        assertion = entry.group != null || entry.gid != null;
        message = "${option} has neither a group nor a gid, both are null: set one of them (users.groups.<name>.gid is null unless the configuration says the number).";
      }
      {
        assertion = entry.owner == null || !isSet entry.uid;
        message = "${option} has an owner and a uid: leave uid at 0, or set owner to null.";
      }
      {
        assertion = entry.group == null || !isSet entry.gid;
        message = "${option} has a group and a gid: leave gid at 0, or set group to null.";
      }
      {
        assertion = needOf entry == null || belongsToRoot entry;
        message = "${option} is ${needOf entry}, and so installed before there is any user but root: remove its owner, group, uid and gid.";
      }
      {
        assertion = lib.length (needsOf entry) < 2;
        message = "${option} is ${lib.concatStringsSep " and " (needsOf entry)}, and so would be in two directories: remove one of them, and declare it once more under another name for the other.";
      }
    ]
  ) phases.entries;

  belongsToRoot =
    entry:
    lib.elem entry.owner [
      null
      "root"
    ]
    && lib.elem entry.group [
      null
      "root"
    ]
    && !isSet entry.uid
    && !isSet entry.gid;

  # A template that is rendered before the regular phase can only use secrets that are decrypted in its own phase.
  templateAssertions =
    phase:
    lib.concatLists (
      lib.mapAttrsToList (
        templateName: template:
        lib.mapAttrsToList (secretName: secret: {
          assertion = !phases.mentions false "${cfg.placeholder.${secretName}}" template;
          message =
            "sops.templates.${lib.strings.escapeNixIdentifier templateName} is ${phase.option}, but uses a secret that is not: "
            + (
              if needOf secret == null then
                "set sops.secrets.${lib.strings.escapeNixIdentifier secretName}.${phase.option}."
              else
                "declare sops.secrets.${lib.strings.escapeNixIdentifier secretName} once more under another name, with ${phase.option}, and use that."
            );
        }) (removeAttrs cfg.secrets (lib.attrNames phase.secrets))
      ) phase.templates
    );

  hasEarly = !phases.early.isEmpty;
  hasFileSystems = !phases.fileSystems.isEmpty;
  hasRegular = !phases.regular.isEmpty;

  activationAssertions = [
    {
      assertion = !(hasEarly && ways.sysusers) || config.users.mutableUsers;
      message = "systemd-sysusers sets the password of a user only while users are mutable: set users.mutableUsers to true, or use services.userborn.enable.";
    }
    {
      assertion =
        ways.earlyByUnit || !cfg.useSystemdActivation || cfg.age.keyCredential == null || !hasEarly;
      message =
        "sops.age.keyCredential: systemd gives credentials to units, and here a script installs the secrets with neededForUsers, because a script creates the users: "
        + "set services.userborn.enable to true.";
    }
    {
      assertion = cfg.useSystemdActivation || !ways.nixosInit || phases.entries == [ ];
      message = "system.nixos-init runs no activation scripts: set sops.useSystemdActivation to true.";
    }
    {
      assertion = cfg.useSystemdActivation || cfg.age.keyCredential == null || phases.entries == [ ];
      message = "sops.age.keyCredential: systemd gives credentials to units, not to activation scripts: set sops.useSystemdActivation to true.";
    }
  ];

  scriptName = name: "system.activationScripts.${lib.strings.escapeNixIdentifier name}";
  scriptNames = lib.concatMapStringsSep ", " scriptName;
  waiting = scriptNames ways.scripts.waiting;
  waitingEarly = scriptNames ways.scripts.waitingEarly;
  inherit (ways) dropped yields;

  # NixOS adds one text of all scripts to them.
  activationScripts = lib.filterAttrs (_: script: script ? deps) (
    config.system.activationScripts or { }
  );
  # A script and all scripts that it waits for.
  scriptChain =
    name:
    map (step: step.key) (
      builtins.genericClosure {
        startSet = [ { key = name; } ];
        operator = step: map (key: { inherit key; }) (activationScripts.${step.key}.deps or [ ]);
      }
    );

  # Scripts that read the secrets of a phase, and do not wait for our script.
  unorderedWarnings =
    directory: ours: unit: byUnit:
    map
      (
        name:
        "${scriptName name} names ${directory}, but does not wait until the secrets are there: "
        + (
          if byUnit then "make a unit of it, with after = [ \"${unit}\" ]." else "add ${ours} to its deps."
        )
      )
      (
        lib.attrNames (
          lib.filterAttrs (
            name: script: namesDirectory directory script.text && !lib.elem ours (scriptChain name)
          ) activationScripts
        )
      );
  # Not `lib.hasInfix`: its regular expression overflows the stack on a long text.
  namesDirectory = directory: text: builtins.replaceStrings [ "${directory}/" ] [ "" ] text != text;

  # Scripts that install although units could, and scripts that run before the units that install.
  wayWarnings = lib.optionals (phases.entries != [ ]) (
    lib.optional (!cfg.useSystemdActivation && ways.deprecatesScripts)
      "sops.useSystemdActivation is false, so that scripts install the secrets. ${dropped}: remove that line, or set it to true."
    ++
      lib.optional (yields && ways.scripts.waiting != [ ])
        "A script installs the secrets here, because setupSecrets is in the deps of ${waiting}. ${dropped}: make a unit of it, with after = [ \"sops-nix.service\" ]."
    ++
      lib.optional (yields && ways.scripts.replaceOurs)
        "A script installs the secrets here, because system.activationScripts.setupSecrets.text is set. ${dropped}: remove that text."
    ++
      lib.optional (ways.regularByUnit && ways.scripts.waiting != [ ])
        "A unit installs the secrets here, and at boot ${waiting} runs before it, although setupSecrets is in its deps: make a unit of it, with after = [ \"sops-nix.service\" ]."
    ++
      lib.optional (ways.earlyByUnit && hasEarly && ways.scripts.waitingEarly != [ ])
        "A unit installs the secrets with neededForUsers here, and at boot ${waitingEarly} runs before it, although setupSecretsForUsers is in its deps: make a unit of it, with after = [ \"sops-nix-for-users.service\" ]."
    ++ lib.optionals hasRegular (
      unorderedWarnings cfg.secretsDir "setupSecrets" "sops-nix.service" ways.regularByUnit
    )
    ++ lib.optionals hasEarly (
      unorderedWarnings cfg.secretsForUsersDir "setupSecretsForUsers" "sops-nix-for-users.service"
        ways.earlyByUnit
    )
    ++ lib.optionals hasFileSystems (
      unorderedWarnings cfg.secretsForFileSystemsDir "" "sops-nix-for-file-systems.service" true
    )
  );

  # The unit that quadlet makes from a podman file.
  quadletUnit =
    name:
    let
      suffixes = {
        container = "";
        kube = "";
        build = "-build";
        image = "-image";
        network = "-network";
        pod = "-pod";
        volume = "-volume";
      };
      kind = lib.last (lib.splitString "." name);
    in
    if lib.hasInfix "." name && suffixes ? ${kind} then
      "${lib.removeSuffix ".${kind}" name}${suffixes.${kind}}.service"
    else
      null;
  quadletUnits = lib.filter (unit: unit != null) (
    map (file: quadletUnit (baseNameOf file)) (
      lib.filter (lib.hasPrefix "containers/systemd/") (lib.attrNames config.environment.etc)
    )
  );

  # The names of all units that NixOS knows, aliases included.
  knownUnits =
    quadletUnits
    ++ lib.attrNames config.systemd.units
    ++ lib.concatMap (unit: unit.aliases or [ ]) (lib.attrValues config.systemd.units);

  unitSuffixes = [
    "service"
    "socket"
    "device"
    "mount"
    "automount"
    "swap"
    "target"
    "path"
    "timer"
    "slice"
    "scope"
  ];
  # As for systemd, a name without a type means a service.
  fullName =
    unit:
    if lib.any (suffix: lib.hasSuffix ".${suffix}" unit) unitSuffixes then unit else "${unit}.service";

  # The template unit of an instance: `getty@.service` for `getty@tty1.service`.
  templateUnit =
    unit: lib.head (lib.splitString "@" unit) + "@." + lib.last (lib.splitString "." unit);
  isKnown =
    unit:
    lib.elem unit knownUnits || (lib.hasInfix "@" unit && lib.elem (templateUnit unit) knownUnits);

  unitWarnings = lib.concatMap (
    { option, entry, ... }:
    lib.concatMap
      (
        field:
        lib.concatMap (
          unit:
          if quadletUnit unit != null then
            [ "${option}.${field}: quadlet makes ${quadletUnit unit} of ${unit}: write that." ]
          else
            lib.optional (!isKnown (fullName unit))
              "${option}.${field}: no unit ${fullName unit} is defined in systemd.units. If no package brings it and no generator makes it either, nobody will be told when this secret changes: correct the name."
        ) entry.${field}
      )
      [
        "restartUnits"
        "reloadUnits"
      ]
  ) phases.entries;

  # Scripts run before systemd mounts anything. Units wait for the mounts that they need.
  earlyByScript = hasEarly && !ways.earlyByUnit;
  regularByScript = !phases.regular.isEmpty && !ways.regularByUnit;
  mountWarnings = lib.optionals (earlyByScript || regularByScript) (
    map (
      { path, fs }:
      "The key ${path} lies on ${fs.mountPoint}, which is not mounted yet when the activation script installs the secrets: "
      + (
        if earlyByScript then
          "set fileSystems.\"${fs.mountPoint}\".neededForBoot."
        else
          "set fileSystems.\"${fs.mountPoint}\".neededForBoot, or sops.useSystemdActivation."
      )
    ) lateKeys
  );

  # Some secrets are installed before systemd mounts anything but what the initrd has mounted, the early ones because users are created before that. If they
  # waited for such a mount, this would be a cycle.
  mountAssertions =
    afterwards:
    map (
      { path, fs }:
      {
        assertion = false;
        message =
          "The key ${path} lies on ${fs.mountPoint}, which is mounted only after ${afterwards}: "
          + lib.optionalString (
            !lib.any (declared: declared.mountPoint == fs.mountPoint) (
              lib.attrValues (config.fileSystems or { })
            )
          ) "declare it in fileSystems instead of systemd.mounts, and "
          + "set fileSystems.\"${fs.mountPoint}\".neededForBoot to true.";
      }
    ) lateKeys;

  lateUsersWarning =
    lib.optional
      (!cfg.useSystemdActivation && (ways.sysusers || ways.userborn) && !phases.regular.isEmpty)
      "sops.useSystemdActivation is false, but units create the users of this host: at the first boot the owners of secrets do not exist yet when the activation script installs them. Set sops.useSystemdActivation to true.";
in
{
  assertions =
    commonChecks.assertions {
      hasKeys = keySources.any;
      keyOptions = "services.openssh.enable, sops.age.keyFile, sops.age.keyCredential, sops.age.sshKeyPaths or sops.gnupg.home";
      inherit (phases) places;
    }
    ++ ownerAssertions
    ++ templateAssertions phases.early
    ++ templateAssertions phases.fileSystems
    ++ activationAssertions
    ++ lib.optionals (ways.earlyByUnit && hasEarly) (
      mountAssertions "the users are created, and so after the secrets with neededForUsers"
    )
    ++ lib.optionals hasFileSystems (mountAssertions "the secrets with neededForFileSystems");

  warnings =
    commonChecks.warnings
    ++ unitWarnings
    ++ mountWarnings
    ++ lateUsersWarning
    ++ wayWarnings
    ++ fileSystemsChecks.warnings;
}
