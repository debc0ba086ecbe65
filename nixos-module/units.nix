# The systemd units. A unit installs the secrets of its phase. If a script does that at boot, the unit shows at boot what the script said, and installs the
# secrets when somebody restarts the unit.
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
  ways = import ./ways.nix {
    inherit
      config
      lib
      options
      phases
      utils
      ;
  };
  showOrInstall = import ./show-or-install.nix { inherit lib pkgs; };
  installCommand =
    if ways.regularByUnit then
      phases.regular.installer
    else
      showOrInstall {
        phase = phases.regular;
        shown = lib.optional (!withEarlyUnit) phases.early ++ [ phases.regular ];
        ahead = ordering.ahead "sops-nix.service";
      };
  earlyInstallCommand =
    if ways.earlyByUnit then
      phases.early.installer
    else
      showOrInstall {
        phase = phases.early;
        shown = [ phases.early ];
        # The users exist already, so secrets that are installed now come too late for them.
        ahead = [ ];
      };
  keySources = import ../module-common/key-sources.nix { inherit lib cfg; };
  unitPath = import ./unit-path.nix { inherit lib; };
  inherit (import ./install-unit.nix { inherit config lib pkgs; })
    again
    earlyInBoot
    inOrder
    installUnit
    keyUnit
    onlyIf
    waitForKeys
    withKeyGeneration
    ;
  definitionsOf = import ./definitions.nix { inherit config lib options; };
  formerUnit = import ./former-units.nix { inherit config lib options; };
  ordering = import ./ordering.nix {
    inherit
      config
      lib
      options
      utils
      ;
  };

  # Whether the units exist depends only on this option, and not on the secrets, because the secrets may depend on which units exist.
  withEarlyUnit = cfg.useSystemdActivation;
  former = formerUnit "sops-install-secrets" "sops-nix";
  formerEarly = formerUnit "${former.name}-for-users" "sops-nix-for-users";

  # system-manager makes no aliases, and warns of them.
  aliases = former: lib.optional (!options ? system-manager) "${former.name}.service";

  scriptInstalls =
    let
      script = config.system.activationScripts.setupSecrets;
    in
    (script.text or script) != "";

  ordinaryAhead = ordering.mayWaitFor [ "sysinit.target" ];

  # Ordinary units start after sysinit.target. If a unit of ours waits for one of them, or may do so, it cannot be ordered before that target: systemd would
  # break the cycle by not installing the secrets.
  beforeOrdinaryUnits = unit: ordinaryAhead unit == [ ];

  # These units may start before sysinit.target too. They wait for the secrets only if their configuration names a secret: a key of
  # WireGuard, the password of a remote file system, a file that a rule of tmpfiles copies. If the installer may need the network,
  # the network does not wait. If our unit has PrivateTmp, it waits for tmpfiles, so tmpfiles cannot wait for it.
  earlyReaders =
    lib.filter (reader: ordering.mayWaitFor [ "sysinit.target" reader ] "sops-nix.service" == [ ])
      (
        lib.optional (
          networkReadsSecrets && !keySources.needNetwork && former.commands == [ ] && networkMounts == [ ]
        ) "systemd-networkd.service"
        ++ lib.optional (ways.earlyReaders.remote && remoteParts == [ ]) remoteFileSystems
        ++ lib.optionals (tmpfilesReadsSecrets && !hasPrivateTmp) [
          "systemd-tmpfiles-setup.service"
          # On a switch, this unit applies the rules.
          "systemd-tmpfiles-resetup.service"
        ]
      );

  # Nothing starts this target unless a unit before it wants it.
  remoteFileSystems = "remote-fs-pre.target";

  inherit (import ./secret-names.nix { inherit cfg lib; }) namesAny namesSecret;

  # Local file systems that wait for the network although local-fs.target waits for them. If the network also waited for the
  # secrets, which come after local-fs.target, this would be a cycle. `remoteParts` are local file systems that wait for remote
  # ones, such as a directory of a remote file system that is bound somewhere else.
  networkMounts = ordering.localMountsWaitingFor ordering.network;
  remoteParts = ordering.localMountsWaitingFor [ remoteFileSystems ];
  networkReadsSecrets = namesSecret (
    builtins.toJSON [
      (config.systemd.services.systemd-networkd.serviceConfig or { })
      (map (unit: unit.text or "") (lib.attrValues (config.systemd.network.units or { })))
    ]
  );

  # Whether a rule of tmpfiles names a secret, and no rule names a key. A rule that names a key may make that key, and then tmpfiles
  # must run before the installer.
  tmpfilesReadsSecrets =
    let
      rules = builtins.toJSON [
        (config.systemd.tmpfiles.rules or [ ])
        (config.systemd.tmpfiles.settings or { })
      ];
    in
    namesSecret rules && !namesAny keySources.paths rules;
  hasPrivateTmp = lib.any (name: (definitionsOf name).serviceConfig ? PrivateTmp) [
    "sops-nix"
    former.name
  ];

  # When a switch gets to a unit, an activation script has already installed the secrets.
  notAgain.restartIfChanged = lib.mkDefault false;

  earlyInstalls = ways.earlyByUnit && !phases.early.isEmpty;
  neededBy = import ./needed-by.nix { inherit config lib pkgs; };
  installing = [
    "sops-nix.service"
  ]
  ++ lib.optional earlyInstalls "sops-nix-for-users.service"
  ++ lib.optional (!phases.fileSystems.isEmpty) "sops-nix-for-file-systems.service";

  # Users are created before sysinit.target, and early secrets must be installed before them.
  beforeUsers = lib.optionals earlyInstalls [
    "sysinit.target"
    "systemd-sysusers.service"
    "userborn.service"
  ];
  checks = import ./unit-checks.nix { inherit config lib options; } {
    inherit
      phases
      ways
      ordering
      formerUnit
      former
      formerEarly
      scriptInstalls
      installCommand
      beforeUsers
      ;
    # The units that should wait for the secrets but cannot, each with the local file systems that are the reason.
    withoutWaiting = {
      "systemd-networkd.service" = lib.optionals networkReadsSecrets networkMounts;
      "a remote file system" = lib.optionals ways.earlyReaders.remote remoteParts;
    };
  };
in
{
  # Whoever needs all secrets that units install waits for this target: it is reached only if all are there. (At boot a service installs what it can, and may
  # have failed.) The services must not want it: with two units that want each other, each start of an ordinary unit would try a failed installation again.
  systemd.targets.sops-nix = {
    description = "All secrets of sops files";
    unitConfig = earlyInBoot;
    requires = installing;
    after = installing;
    conflicts = [ "shutdown.target" ];
    before = [
      "shutdown.target"
    ]
    ++ lib.optional (beforeOrdinaryUnits "sops-nix.service") "sysinit.target"
    ++ lib.optional ways.regularByUnit "sysinit-reactivation.target";
  };

  systemd.services = lib.mkMerge [
    {
      sops-nix = lib.mkMerge [
        (installUnit phases.regular {
          command = installCommand;
          formerCommands = former.commands;
        })
        waitForKeys
        (onlyIf (ways.regularByUnit && !phases.regular.isEmpty) inOrder)
        {
          description = lib.mkDefault "Secrets of sops files";
          aliases = aliases former;
          # If the configuration has emptied the script, nothing is to be installed at boot.
          wantedBy = lib.optional (ways.regularByUnit || scriptInstalls) "sysinit.target";
          after = [
            # Links of secrets may be on any of these file systems.
            "local-fs.target"
            # The owners of secrets must exist. One of these two units creates users, unless a script has done so before.
            "systemd-sysusers.service"
            "userborn.service"
          ]
          # On a switch, nothing else orders them. The commands around one installation may take the key from another.
          ++ lib.remove "sops-nix.service" installing
          # The early unit cannot wait for the TPM: udev, which finds it, waits for the users.
          ++ lib.optional keySources.mayNeedTpm "tpm2.target";
        }
        former.settings
        {
          before =
            lib.optional (beforeOrdinaryUnits "sops-nix.service") "sysinit.target"
            ++ lib.optionals ways.regularByUnit earlyReaders;
          wants = lib.intersectLists [ remoteFileSystems ] (lib.optionals ways.regularByUnit earlyReaders);
        }
        (onlyIf ways.regularByUnit (again phases.regular))
        (onlyIf ways.regularByUnit neededBy.regular)
        (onlyIf (!ways.regularByUnit) notAgain)
      ];
    }

    (lib.mkIf withEarlyUnit {
      sops-nix-for-users = lib.mkMerge [
        (installUnit phases.early {
          command = earlyInstallCommand;
          formerCommands = formerEarly.commands;
        })
        # Without an early secret this unit needs no key, so the users need not wait for a key.
        (onlyIf (!phases.early.isEmpty) waitForKeys)
        (onlyIf (ways.earlyByUnit && !phases.early.isEmpty) inOrder)
        (onlyIf ways.earlyByUnit (again phases.early))
        (onlyIf (!ways.earlyByUnit) notAgain)
        formerEarly.settings
        {
          description = lib.mkDefault "Secrets of sops files that users need to be created";
          aliases = aliases formerEarly;
          wantedBy = [ "sysinit.target" ] ++ lib.optional ways.earlyByUnit "systemd-sysusers.service";
          after = [ "systemd-remount-fs.service" ];
          before = beforeUsers;
        }
      ];

      # userborn does not notice a new password in a sops file, so it is restarted with the manifest.
      userborn =
        lib.mkIf (options.services ? userborn && config.services.userborn.enable && !phases.early.isEmpty)
          {
            restartTriggers = [ phases.early.manifest ];
            partOf = lib.optional phases.early.readsOutsideStore "sysinit-reactivation.target";
          };
    })

    (lib.mkIf withKeyGeneration {
      sops-nix-generate-age-key = {
        description = "The age key that opens sops files";
        wants = cfg.after;
        after = [ "systemd-remount-fs.service" ] ++ cfg.after;
        before = [ "shutdown.target" ] ++ lib.optional (beforeOrdinaryUnits keyUnit) "sysinit.target";
        conflicts = [ "shutdown.target" ];
        unitConfig = earlyInBoot // {
          RequiresMountsFor = [ (unitPath.quoted (toString cfg.age.keyFile)) ];
          ConditionFileNotEmpty = "!${unitPath.plain (toString cfg.age.keyFile)}";
        };
        serviceConfig = {
          # RemainAfterExit is not set, so each start of the installer starts this unit again, and it checks whether the key exists.
          Type = "oneshot";
          # No setting here may need a mount namespace: the key may be in any directory, and the directory may have to be made first.
          NoNewPrivileges = true;
          LimitCORE = 0;
          MemorySwapMax = 0;
          TimeoutStartSec = "90s";
          ExecStart = [ "${import ../module-common/generate-key.nix { inherit lib pkgs cfg; }}" ];
        };
      };
    })
  ];

  inherit (checks) assertions;
  warnings = lib.optionals cfg.enable checks.warnings;
}
