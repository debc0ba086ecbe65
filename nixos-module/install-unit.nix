# What the units that install a phase have in common.
{
  config,
  lib,
  pkgs,
}:

let
  cfg = import ../module-common/in-effect.nix { inherit config lib; };
  phases = import ./phases.nix { inherit config lib pkgs; };
  keySources = import ../module-common/key-sources.nix { inherit lib cfg; };
  confinement = import ./confinement.nix { inherit lib; };
  mockWarning = import ./mock-warning.nix { inherit lib pkgs; };
  mountStep = import ./mount.nix { inherit lib pkgs cfg; };
  hooks = import ./hooks.nix {
    inherit
      config
      lib
      pkgs
      cfg
      ;
  };
  unitPath = import ./unit-path.nix { inherit lib; };

  # NixOS makes each of these fields of the unit file from an option, such as `after`. If somebody sets the field itself, its value
  # and that of the option would conflict. With these empty lists, the two are merged instead.
  addUp = lib.genAttrs [
    "After"
    "Before"
    "Conflicts"
    "Requires"
    "Wants"
  ] (_: [ ]);
in
rec {
  keyUnit = "sops-nix-generate-age-key.service";
  withKeyGeneration = cfg.useSystemdActivation && cfg.age.generateKey && cfg.age.keyFile != null;

  # Secrets, and the way of a phase, may depend on which units there are. To list the units, Nix evaluates the condition of each
  # whole unit, but not the conditions of its settings. So a condition that reads secrets stands at each setting, not at the whole
  # unit.
  onlyIf = condition: lib.mapAttrs (_: lib.mkIf condition);

  # Ordinary units start after sysinit.target. With this setting, units can start before it.
  earlyInBoot.DefaultDependencies = lib.mkDefault false;

  # Without this, the units would start before the file systems of the keys are mounted.
  waitForKeys = {
    unitConfig.RequiresMountsFor = map unitPath.quoted keySources.pathsAtBoot;
    wants = lib.optional withKeyGeneration keyUnit;
    after = lib.optional withKeyGeneration keyUnit;
  };

  # Units that the configuration has before and after each installation.
  inOrder = {
    inherit (cfg) after before;
    wants = cfg.after;
  };

  installUnit =
    phase:
    {
      # What the unit runs.
      command,
      # Its name, without type.
      name ? "sops-nix${phase.suffix}",
      # What it may need for the keys: `needNetwork`, `needPrograms` and `mayNeedTpm` of key-sources.nix.
      keyNeeds ? keySources,
      # The fields with commands that were written for the unit of sops-nix. They keep the rights that they had there: they may mount something, load modules,
      # use the network.
      formerCommands ? [ ],
    }:
    let
      isConfined = formerCommands == [ ];
    in
    {
      unitConfig = earlyInBoot // addUp;
      # Output of a process that exits before journald starts is not attributed to its unit.
      after = [ "systemd-journald.service" ];
      before = [ "shutdown.target" ];
      conflicts = [ "shutdown.target" ];

      # Only an activation reads lists of units to restart. The unit may run at any time, so its installer calls systemctl itself.
      environment.SOPS_RESTART_UNITS_VIA_SYSTEMCTL = lib.mkDefault "1";
      environment.TMPDIR = lib.mkIf isConfined (lib.mkDefault "%t/${name}-tmp");

      serviceConfig = {
        Type = lib.mkDefault "oneshot";
        RemainAfterExit = lib.mkDefault true;
        # What the installer waits for is the status of the unit, which systemd shows on the console while the machine boots. Commands around it say
        # what they are, too.
        NotifyAccess = lib.mkDefault (if hooks.any phase then "exec" else "main");
        ExecStartPre =
          hooks.execStartPre phase
          ++ lib.optional (cfg.mock && !phase.isEmpty) (mockWarning phase).command
          ++ [ (mountStep phase).command ];
        ExecStartPost = hooks.execStartPost phase;
        ExecStopPost = hooks.execStopPost phase;
        # The warning of a mock goes there, although the unit has no other device.
        DeviceAllow = lib.mkIf (cfg.mock && !phase.isEmpty) [ "/dev/console w" ];
        # In sops-nix, ExecStart is a list. So if somebody adds a command under the old name, both commands have to run, and only
        # `lib.mkForce` replaces ours.
        ExecStart =
          if lib.elem "ExecStart" formerCommands then [ "${command}" ] else lib.mkDefault "${command}";
      }
      # If the credential is missing, the unit starts all the same, and the installer says what it looked for.
      // lib.optionalAttrs (cfg.age.keyCredential != null) {
        ImportCredential = [ cfg.age.keyCredential ];
      }
      // lib.optionalAttrs isConfined (confinement {
        inherit name;
        keySources = keyNeeds;
        hookSeconds = if hooks.any phase then hooks.seconds else null;
        inherit (cfg) keyTimeout maxSize;
        hasYescrypt = lib.any (secret: secret.transform == "yescrypt") (lib.attrValues phase.secrets);
        hasBootScreen = config.boot.plymouth.enable or false;
        hasChecks = lib.any (template: template.check != null) (lib.attrValues phase.templates);
        roots = lib.unique (
          phases.usualRoots ++ phase.roots ++ lib.optional (cfg.gnupg.home != null) cfg.gnupg.home
        );
      });
    };

  # On a switch, sysinit.target has long been reached. These settings make a switch run the unit again if its manifest has changed,
  # before the switch starts any ordinary unit.
  again = phase: {
    requiredBy = [ "sysinit-reactivation.target" ];
    before = [ "sysinit-reactivation.target" ];
    restartTriggers = [ phase.manifest ];
    # Each switch restarts this target, and with it the unit. So the unit installs again, even if the configuration has not changed.
    partOf = lib.optional phase.readsOutsideStore "sysinit-reactivation.target";
    unitConfig = lib.optionalAttrs phase.isEmpty {
      # There is nothing to install, but secrets of an earlier configuration may have to be removed, or their links. The mount point goes
      # with a restart, links do not.
      ConditionPathExists = [
        "|${phase.mountPoint}"
        "|${phase.ledger}"
      ];
    };
  };
}
