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
  cfg = import ../module-common/in-effect.nix { inherit config lib; };
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
  ownershipChecks = import ../module-common/ownership-checks.nix { inherit lib; };

  ways = import ./ways.nix {
    inherit
      config
      lib
      options
      phases
      utils
      ;
  };

  inherit (import ./needs.nix { inherit lib; }) belongsToRoot needsOf needOf;

  ownerAssertions = lib.concatMap (
    { option, entry, ... }:
    ownershipChecks {
      inherit option entry;
      numbers = {
        user = "users.users.<name>.uid";
        group = "users.groups.<name>.gid";
      };
    }
    ++ [
      {
        assertion = needOf entry == null || belongsToRoot entry;
        message = "${option} has ${needOf entry}, so it is installed before any user but root exists: remove its owner, group, uid and gid.";
      }
      {
        assertion = lib.length (needsOf entry) < 2;
        message = "${option} has ${lib.concatStringsSep " and " (needsOf entry)}, so it would be in two directories: set only one of the two, and if both are needed, declare it under two names.";
      }
    ]
  ) phases.entries;

  # Directories in the phases that know no group.
  directoryAssertions = lib.concatMap (
    { option, entry }:
    let
      place = "${lib.optionalString (lib.hasPrefix "sops.templates." option) "rendered/"}${entry.name}";
      above = lib.filterAttrs (
        name: directory: directory.group != null && lib.hasPrefix "${name}/" place
      ) cfg.directories;
    in
    lib.mapAttrsToList (name: _: {
      assertion = needOf entry == null;
      message =
        "${option} has ${toString (needOf entry)}, so it is installed before any group but root exists: remove sops.directories.${lib.strings.escapeNixIdentifier name}.group, "
        + "or give ${option} another name.";
    }) above
  ) phases.entries;

  # A template that is rendered before the regular phase can only use secrets that are decrypted in its own phase.
  templateAssertions =
    phase:
    lib.concatLists (
      lib.mapAttrsToList (
        templateName: template:
        lib.mapAttrsToList (secretName: secret: {
          assertion = !phases.mentions false (phases.marksOf phase.secrets secretName secret) template;
          message =
            "sops.templates.${lib.strings.escapeNixIdentifier templateName} has ${phase.option}, but uses a secret without it: "
            + (
              if needOf secret == null then
                "set sops.secrets.${lib.strings.escapeNixIdentifier secretName}.${phase.option} to true."
              else
                "declare sops.secrets.${lib.strings.escapeNixIdentifier secretName} again under another name with ${phase.option}, and use that."
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
      message = "systemd-sysusers sets passwords only if users.mutableUsers is true: set users.mutableUsers to true, or set services.userborn.enable to true.";
    }
    {
      assertion =
        ways.earlyByUnit || !cfg.useSystemdActivation || cfg.age.keyCredential == null || !hasEarly;
      message =
        "sops.age.keyCredential works only if a unit installs the secrets, but here a script installs those with neededForUsers: "
        + "set services.userborn.enable to true.";
    }
    {
      assertion = cfg.useSystemdActivation || !ways.nixosInit || phases.entries == [ ];
      message = "system.nixos-init runs no activation scripts: set sops.useSystemdActivation to true.";
    }
    {
      assertion = cfg.useSystemdActivation || cfg.age.keyCredential == null || phases.entries == [ ];
      message = "sops.age.keyCredential works only if a unit installs the secrets, but here a script installs them: set sops.useSystemdActivation to true.";
    }
  ];

  scriptName = name: "system.activationScripts.${lib.strings.escapeNixIdentifier name}";
  scriptNames = lib.concatMapStringsSep ", " scriptName;
  waiting = scriptNames ways.scripts.waiting;
  waitingEarly = scriptNames ways.scripts.waitingEarly;
  inherit (ways) dropped yields;

  # The scripts themselves. NixOS keeps the joined text of all scripts in the same attribute set.
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
        "${scriptName name} uses ${directory}, but may run before the secrets are there: "
        + (
          if byUnit then
            "turn the script into a unit with after = [ \"${unit}\" ]."
          else
            "add ${ours} to its deps."
        )
      )
      (
        lib.attrNames (
          lib.filterAttrs (
            name: script: namesDirectory directory script.text && !lib.elem ours (scriptChain name)
          ) activationScripts
        )
      );
  # `lib.hasInfix` is not used, because its regular expression overflows the stack on a long text.
  namesDirectory = directory: text: builtins.replaceStrings [ "${directory}/" ] [ "" ] text != text;

  # Warnings about scripts that install secrets although units could, and about scripts that run before the units that install.
  wayWarnings = lib.optionals (phases.entries != [ ]) (
    lib.optional (!cfg.useSystemdActivation && ways.deprecatesScripts)
      "sops.useSystemdActivation is false, so scripts install the secrets. ${dropped}: remove that line, or set it to true."
    ++
      lib.optional (yields && ways.scripts.waiting != [ ])
        "A script installs the secrets, because setupSecrets is in the deps of ${waiting}. ${dropped}: turn each script named here into a unit with after = [ \"sops-nix.service\" ]."
    ++
      lib.optional (yields && ways.scripts.replaceOurs)
        "A script installs the secrets, because system.activationScripts.setupSecrets.text is set. ${dropped}: remove that text."
    ++
      lib.optional (ways.regularByUnit && ways.scripts.waiting != [ ])
        "At boot, ${waiting} runs before the unit that installs the secrets, although setupSecrets is in its deps: turn each script named here into a unit with after = [ \"sops-nix.service\" ]."
    ++
      lib.optional (ways.earlyByUnit && hasEarly && ways.scripts.waitingEarly != [ ])
        "At boot, ${waitingEarly} runs before the unit that installs the secrets with neededForUsers, although setupSecretsForUsers is in its deps: turn each script named here into a unit with after = [ \"sops-nix-for-users.service\" ]."
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

  # Scripts run before systemd mounts anything. Units wait for the mounts that they need.
  earlyByScript = hasEarly && !ways.earlyByUnit;
  regularByScript = !phases.regular.isEmpty && !ways.regularByUnit;
  mountWarnings = lib.optionals (earlyByScript || regularByScript) (
    map (
      { path, fs }:
      "The key ${path} is on the file system ${fs.mountPoint}, which is mounted only after the activation script needs the key: "
      + (
        if earlyByScript then
          "set fileSystems.\"${fs.mountPoint}\".neededForBoot to true."
        else
          "set fileSystems.\"${fs.mountPoint}\".neededForBoot to true, or set sops.useSystemdActivation to true."
      )
    ) lateKeys
  );

  # Some secrets are installed before systemd mounts any file system that the initrd has not mounted. If their unit waited for such a mount, the order would
  # be a cycle.
  mountAssertions =
    phase:
    map (
      { path, fs }:
      {
        assertion = false;
        message =
          "The key ${path} is on the file system ${fs.mountPoint}, which is mounted only after the secrets with ${phase.option} are installed: "
          + lib.optionalString (
            !lib.any (declared: declared.mountPoint == fs.mountPoint) (
              lib.attrValues (config.fileSystems or { })
            )
          ) "declare ${fs.mountPoint} in fileSystems, not in systemd.mounts, and "
          + "set fileSystems.\"${fs.mountPoint}\".neededForBoot to true.";
      }
    ) lateKeys;

  lateUsersWarning =
    lib.optional
      (!cfg.useSystemdActivation && (ways.sysusers || ways.userborn) && !phases.regular.isEmpty)
      "sops.useSystemdActivation is false, so a script installs the secrets; but units create the users of this host. So at the first boot, the owners of secrets do not exist yet when the script runs: set sops.useSystemdActivation to true.";
in
{
  assertions =
    commonChecks.assertions {
      hasKeys = keySources.any;
      keyOptions = "services.openssh.enable, sops.age.keyFile, sops.age.keyCredential, sops.age.sshKeyPaths or sops.gnupg.home";
      inherit (phases) places;
    }
    ++ ownerAssertions
    ++ directoryAssertions
    ++ templateAssertions phases.early
    ++ templateAssertions phases.fileSystems
    ++ activationAssertions
    ++ fileSystemsChecks.assertions
    ++ lib.optionals (ways.earlyByUnit && hasEarly) (mountAssertions phases.early)
    ++ lib.optionals hasFileSystems (mountAssertions phases.fileSystems);

  warnings =
    commonChecks.warnings
    ++ import ./unit-name-warnings.nix { inherit config lib phases; }
    ++ phases.environmentFileWarnings
    ++ mountWarnings
    ++ lateUsersWarning
    ++ wayWarnings
    ++ fileSystemsChecks.warnings;
}
