# A host whose key is made only in its first boot, after the secrets would be installed. In that boot sops-nix.service is not started if there is no key. This
# is no failure, but whatever requires the unit does not start either.
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
  inherit (phases.keyCheck) mark script;
  inherit (import ./install-unit.nix { inherit config lib pkgs; }) earlyInBoot onlyIf waitForKeys;
  ordering = import ./ordering.nix {
    inherit
      config
      lib
      options
      utils
      ;
  };
  ways = import ./ways.nix {
    inherit
      config
      lib
      options
      phases
      utils
      ;
  };

  unit = "sops-nix-key-check.service";

  # What brings a key, or says that there is one, before the secrets are installed. The program sees other sources of keys itself.
  bringers =
    lib.optional (cfg.after != [ ]) "sops.after"
    ++ lib.optional (cfg.preInstall != "") "sops.preInstall"
    ++ lib.optional (cfg.hostRecipients != [ ]) "sops.hostRecipients"
    ++ lib.optional cfg.age.generateKey "sops.age.generateKey"
    ++ lib.optional (cfg.age.keyCredential != null) "sops.age.keyCredential"
    ++ lib.optional (cfg.gnupg.home != null) "sops.gnupg.home"
    ++ lib.optional cfg.keyServices.enable "sops.keyServices.enable"
    ++ map (field: "systemd.services.sops-nix.${field}") (
      import ./installer-settings.nix { inherit config lib options; } [
        "sops-nix"
        "sops-install-secrets"
      ]
    );
in
{
  systemd.services = lib.mkIf cfg.noKeyAtFirstBoot {
    sops-nix-key-check = {
      description = "Whether this host has a key for sops files in its first boot";
      unitConfig = earlyInBoot // {
        inherit (waitForKeys.unitConfig) RequiresMountsFor;
        # Each start of sops-nix.service starts this unit again, so there is no limit.
        StartLimitIntervalSec = 0;
      };
      # It looks when the installer would look. What brings the key, or the file system of the key, may be ordered only before sops-nix.service.
      after = lib.subtractLists [ unit ] (lib.unique (ordering.allAhead "sops-nix.service"));
      before = [ "shutdown.target" ];
      conflicts = [ "shutdown.target" ];
      serviceConfig = {
        Type = "oneshot";
        NoNewPrivileges = true;
        LimitCORE = 0;
        MemorySwapMax = 0;
        TimeoutStartSec = "120s";
        # Whoever sits before a new host sees what to do. Without this variable, what the program says goes through systemd.
        StandardOutput = "journal+console";
        UnsetEnvironment = [ "JOURNAL_STREAM" ];
        # If the program cannot look, there is no mark, and sops-nix.service is started.
        ExecStartPre = [ "${pkgs.coreutils}/bin/rm -f ${mark}" ];
        ExecStart = [ "${script}" ];
      };
    };

    sops-nix = onlyIf (!phases.regular.isEmpty) {
      wants = [ unit ];
      after = [ unit ];
      unitConfig.AssertPathExists = [ "!${mark}" ];
    };
  };

  assertions = lib.optionals cfg.noKeyAtFirstBoot [
    {
      assertion = bringers == [ ];
      message = "sops.noKeyAtFirstBoot is for a host that has no key when its secrets are installed, but ${lib.concatStringsSep ", " bringers} means that it has one: set sops.noKeyAtFirstBoot to false.";
    }
    {
      assertion = ways.regularByUnit;
      message = "sops.noKeyAtFirstBoot works only if a unit installs the secrets, but here a script installs them: set sops.useSystemdActivation to true.";
    }
  ];
}
