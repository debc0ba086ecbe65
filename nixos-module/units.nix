# The systemd units. Where units are the way of activation, they install; where scripts are, sops-nix.service shows what the script did at boot,
# and installs when it is restarted.
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
  showOrInstall = import ./show-or-install.nix { inherit lib pkgs; } {
    inherit phases;
    ahead = ordering.ahead "sops-nix.service";
  };
  installCommand = if byUnits then phases.regular.installer else showOrInstall;
  keySources = import ../module-common/key-sources.nix { inherit lib cfg; };
  confinement = import ./confinement.nix { inherit lib; };
  mountStep = import ./mount.nix { inherit lib pkgs cfg; };
  unitPath = import ./unit-path.nix { inherit lib; };
  formerUnit = import ./former-units.nix { inherit config lib options; };
  ordering = import ./ordering.nix {
    inherit
      config
      lib
      options
      utils
      ;
  };

  byUnits = cfg.useSystemdActivation;
  keyUnit = "sops-nix-generate-age-key.service";
  withKeyGeneration = byUnits && cfg.age.generateKey && cfg.age.keyFile != null;

  # Units start before the file systems of keys would be there, were it not for this.
  waitForKeys = {
    unitConfig.RequiresMountsFor = map unitPath.quoted keySources.paths;
    wants = lib.optional withKeyGeneration keyUnit;
    after = lib.optional withKeyGeneration keyUnit;
  };

  # Normal units wait for sysinit.target. These run before it.
  earlyInBoot.DefaultDependencies = lib.mkDefault false;

  # What others say in these fields of the unit file is added to what the options say, and no second value.
  addUp = lib.genAttrs [
    "After"
    "Before"
    "Conflicts"
    "Requires"
    "Wants"
  ] (_: [ ]);

  # Commands that were written for sops-nix's unit get what they had there: they may mount something, load modules, use the network.
  isConfined = former: former.commands == [ ];

  installUnit = name: phase: former: command: {
    unitConfig = earlyInBoot // addUp;
    # What a process says that has ended before the journal starts is in no unit's log.
    after = [ "systemd-journald.service" ];
    before = [ "shutdown.target" ];
    conflicts = [ "shutdown.target" ];

    # Nobody reads the lists of units to restart that activation scripts write: systemd is asked at once.
    environment.SOPS_RESTART_UNITS_VIA_SYSTEMCTL = lib.mkDefault "1";
    environment.TMPDIR = lib.mkIf (isConfined former) (lib.mkDefault "%t/${name}-tmp");

    serviceConfig = {
      Type = lib.mkDefault "oneshot";
      RemainAfterExit = lib.mkDefault true;
      ExecStartPre = [ (mountStep phase).command ];
      # sops-nix has it as a list: what is added by the former name runs as well, and only `lib.mkForce` replaces it.
      ExecStart =
        if lib.elem "ExecStart" former.commands then [ "${command}" ] else lib.mkDefault "${command}";
    }
    # One that is missing does not keep the unit from starting: the installer says what it looked for.
    // lib.optionalAttrs (cfg.age.keyCredential != null) {
      ImportCredential = [ cfg.age.keyCredential ];
    }
    // lib.optionalAttrs (isConfined former) (confinement {
      inherit name keySources;
      inherit (cfg) keyTimeout maxSize;
      roots = lib.unique (
        phases.usualRoots ++ phase.roots ++ lib.optional (cfg.gnupg.home != null) cfg.gnupg.home
      );
    });
  };

  # On a switch sysinit.target is long reached. This runs the unit again when its manifest has changed, before any normal unit is started.
  again = phase: {
    requiredBy = [ "sysinit-reactivation.target" ];
    before = [ "sysinit-reactivation.target" ];
    restartTriggers = [ phase.manifest ];
    unitConfig = lib.optionalAttrs phase.isEmpty {
      # There is nothing to install, perhaps something to remove.
      ConditionPathExists = [ phase.mountPoint ];
    };
  };

  former = formerUnit "sops-install-secrets" "sops-nix";
  formerEarly = formerUnit "${former.name}-for-users" "sops-nix-for-users";

  # system-manager does not make any, and warns of them.
  aliases = former: lib.optional (!options ? system-manager) "${former.name}.service";

  scriptInstalls =
    let
      script = config.system.activationScripts.setupSecrets;
    in
    (script.text or script) != "";

  ordinaryAhead = ordering.mayWaitFor [ "sysinit.target" ];

  # Ordinary units start after sysinit.target. Where a unit of ours waits for any of them, or may do so, it cannot be ordered before that target:
  # systemd would break the cycle by leaving out the secrets.
  beforeOrdinaryUnits = unit: ordinaryAhead unit == [ ];

  # Users are created before sysinit.target, and early secrets before them. There is no other place for them.
  beforeUsers = lib.optionals (!phases.early.isEmpty) [
    "sysinit.target"
    "systemd-sysusers.service"
    "userborn.service"
  ];
  checks = import ./unit-checks.nix { inherit config lib options; } {
    inherit
      phases
      ordering
      formerUnit
      former
      formerEarly
      scriptInstalls
      installCommand
      beforeUsers
      ;
  };
in
{
  systemd.services = lib.mkMerge [
    {
      sops-nix = lib.mkMerge [
        (installUnit "sops-nix" phases.regular former installCommand)
        waitForKeys
        {
          description = lib.mkDefault "Secrets of sops files";
          aliases = aliases former;
          # A script that was emptied is one that somebody wants to install nothing.
          wantedBy = lib.optional (byUnits || scriptInstalls) "sysinit.target";
          after = [
            # Links of secrets may lie on any of them.
            "local-fs.target"
            # Owners have to exist. Either of the two creates them, or neither does, when a script has done it before.
            "systemd-sysusers.service"
            "userborn.service"
          ]
          # The early unit cannot wait for it: udev, which finds the TPM, waits for the users.
          ++ lib.optional keySources.mayNeedTpm "tpm2.target";
        }
        former.settings
        { before = lib.optional (beforeOrdinaryUnits "sops-nix.service") "sysinit.target"; }
        (lib.mkIf byUnits (again phases.regular))
        (lib.mkIf (!byUnits) {
          # The activation script has installed the secrets already when a switch gets here.
          restartIfChanged = lib.mkDefault false;
        })
      ];
    }

    (lib.mkIf byUnits {
      sops-nix-for-users = lib.mkMerge [
        (installUnit "sops-nix-for-users" phases.early formerEarly phases.early.installer)
        # Without an early secret it decrypts nothing, and users wait for nothing.
        (lib.mkIf (!phases.early.isEmpty) waitForKeys)
        (again phases.early)
        formerEarly.settings
        {
          description = lib.mkDefault "Secrets of sops files that users need to be created";
          aliases = aliases formerEarly;
          wantedBy = [
            "sysinit.target"
            "systemd-sysusers.service"
          ];
          after = [ "systemd-remount-fs.service" ];
          before = beforeUsers;
        }
      ];

      # A new password in a sops file changes nothing that userborn looks at by itself.
      userborn =
        lib.mkIf (options.services ? userborn && config.services.userborn.enable && !phases.early.isEmpty)
          {
            restartTriggers = [ phases.early.manifest ];
          };
    })

    (lib.mkIf withKeyGeneration {
      sops-nix-generate-age-key = {
        description = "The age key that opens sops files";
        after = [ "systemd-remount-fs.service" ];
        before = [ "shutdown.target" ] ++ lib.optional (beforeOrdinaryUnits keyUnit) "sysinit.target";
        conflicts = [ "shutdown.target" ];
        unitConfig = earlyInBoot // {
          RequiresMountsFor = [ (unitPath.quoted (toString cfg.age.keyFile)) ];
          ConditionFileNotEmpty = "!${unitPath.plain (toString cfg.age.keyFile)}";
        };
        serviceConfig = {
          # Without RemainAfterExit: each start of the installer looks again whether the key is there.
          Type = "oneshot";
          # Nothing here needs a mount namespace: the directory of the key may have to be made anywhere.
          NoNewPrivileges = true;
          LimitCORE = 0;
          MemorySwapMax = 0;
          TimeoutStartSec = "90s";
          ExecStart = [ "${import ../module-common/generate-key.nix { inherit lib pkgs cfg; }}" ];
        };
      };
    })
  ];

  inherit (checks) assertions warnings;
}
