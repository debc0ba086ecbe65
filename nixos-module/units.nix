# The systemd units. Where units are the way of activation, they install; where scripts are, sops-nix.service shows what the script did at boot,
# and installs when it is restarted.
{
  config,
  lib,
  options,
  pkgs,
  ...
}:

let
  cfg = config.sops;
  phases = import ./phases.nix { inherit config lib pkgs; };
  showOrInstall = import ./show-or-install.nix { inherit lib pkgs; } phases;
  keySources = import ../module-common/key-sources.nix { inherit lib cfg; };
  confinement = import ./confinement.nix { inherit lib; };
  mountStep = import ./mount.nix { inherit lib pkgs cfg; };

  byUnits = cfg.useSystemdActivation;
  keyUnit = "sops-nix-generate-age-key.service";
  withKeyGeneration = byUnits && cfg.age.generateKey && cfg.age.keyFile != null;

  # A path as unit files spell it.
  unitPath =
    path:
    let
      escaped = lib.replaceStrings [ "\\" "%" "\"" ] [ "\\\\" "%%" "\\\"" ] path;
    in
    if lib.hasInfix " " path then "\"${escaped}\"" else escaped;

  # Units start before the file systems of keys would be there, were it not for this.
  waitForKeys.RequiresMountsFor = map unitPath keySources.paths;

  # Normal units wait for sysinit.target. These run before it.
  earlyInBoot.DefaultDependencies = false;

  installUnit = name: phase: command: {
    unitConfig = earlyInBoot // waitForKeys;
    wants = lib.optional withKeyGeneration keyUnit;
    after = lib.optional withKeyGeneration keyUnit;
    before = [ "shutdown.target" ];
    conflicts = [ "shutdown.target" ];

    # Nobody reads the lists of units to restart that activation scripts write: systemd is asked at once.
    environment.SOPS_RESTART_UNITS_VIA_SYSTEMCTL = "1";
    environment.TMPDIR = "%t/${name}-tmp";

    serviceConfig = {
      Type = "oneshot";
      RemainAfterExit = true;
      ExecStartPre = [ (mountStep phase).command ];
      ExecStart = [ "${command}" ];
    }
    // confinement {
      inherit name keySources;
      roots = map unitPath (
        phases.usualRoots ++ phase.roots ++ lib.optional (cfg.gnupg.home != null) cfg.gnupg.home
      );
    };
  };

  # On a switch sysinit.target is long reached. This runs the unit again when its manifest has changed, before any normal unit is started.
  again = phase: {
    requiredBy = [ "sysinit-reactivation.target" ];
    before = [
      "sysinit.target"
      "sysinit-reactivation.target"
    ];
    restartTriggers = [ phase.manifest ];
    unitConfig = lib.optionalAttrs phase.isEmpty {
      # There is nothing to install, perhaps something to remove.
      ConditionPathExists = phase.mountPoint;
    };
  };

  # Configurations written for sops-nix order its unit by this name.
  formerName = "sops-install-secrets";
  former = config.systemd.services.${formerName} or { };
  carriedOver = lib.genAttrs [
    "after"
    "before"
    "wants"
    "requires"
    "bindsTo"
    "wantedBy"
    "requiredBy"
  ] (field: former.${field} or [ ]);
in
{
  systemd.services = lib.mkMerge [
    {
      sops-nix = lib.mkMerge [
        (installUnit "sops-nix" phases.regular (
          if byUnits then phases.regular.installer else showOrInstall
        ))
        {
          description = "Secrets of sops files";
          aliases = [ "${formerName}.service" ];
          wantedBy = [ "sysinit.target" ];
          after = [
            # Links of secrets may lie on any of them.
            "local-fs.target"
            # Owners have to exist. Either of the two creates them, or neither does, when a script has done it before.
            "systemd-sysusers.service"
            "userborn.service"
          ];
        }
        carriedOver
        (lib.mkIf byUnits (again phases.regular))
        (lib.mkIf (!byUnits) {
          before = [ "sysinit.target" ];
          # The activation script has installed the secrets already when a switch gets here.
          restartIfChanged = false;
        })
      ];
    }

    (lib.mkIf byUnits {
      sops-nix-for-users = lib.mkMerge [
        (installUnit "sops-nix-for-users" phases.early phases.early.installer)
        (again phases.early)
        {
          description = "Secrets of sops files that users need to be created";
          aliases = [ "${formerName}-for-users.service" ];
          wantedBy = [
            "sysinit.target"
            "systemd-sysusers.service"
          ];
          after = [ "systemd-remount-fs.service" ];
          before = [
            "systemd-sysusers.service"
            "userborn.service"
          ];
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
        before = [
          "sysinit.target"
          "shutdown.target"
        ];
        conflicts = [ "shutdown.target" ];
        unitConfig = earlyInBoot // {
          RequiresMountsFor = [ (unitPath (toString cfg.age.keyFile)) ];
          ConditionPathExists = "!${unitPath (toString cfg.age.keyFile)}";
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

  warnings = lib.optional (config.systemd.services ? ${formerName}) ''
    systemd.services.${formerName}: the unit is called sops-nix.service here. Its ordering (after, before, wants, requires and their like)
    is carried over, anything else is not: set systemd.services.sops-nix instead.
  '';
}
