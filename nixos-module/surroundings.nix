# What a configuration wants to have before and after each installation, whichever phase it is of and whatever starts it: units, and commands.
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
  inherit (lib) types;
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
  ordering = import ./ordering.nix {
    inherit
      config
      lib
      options
      utils
      ;
  };

  units =
    example: description:
    lib.mkOption {
      type = types.listOf (
        types.strMatching ".+\\.(service|socket|device|mount|automount|swap|target|path|timer|slice|scope)"
        // {
          description = "name of a unit, with its type";
        }
      );
      default = [ ];
      inherit example description;
    };
  commands =
    example: description:
    lib.mkOption {
      type = types.lines;
      default = "";
      inherit example description;
    };

  names = lib.concatStringsSep ", " cfg.after;
  onlyRegular = "set systemd.services.sops-nix.after and systemd.services.sops-nix.wants instead of sops.after";

  # A script installs before systemd starts any unit.
  afterAssertions = [
    {
      assertion = cfg.after == [ ] || ways.regularByUnit || phases.regular.isEmpty;
      message = "sops.after names ${names}, but a script installs the secrets, before any unit starts: set sops.useSystemdActivation to true.";
    }
    {
      assertion = cfg.after == [ ] || ways.earlyByUnit || phases.early.isEmpty;
      message =
        "sops.after names ${names}, but a script installs the secrets with neededForUsers, before any unit starts: "
        + "set services.userborn.enable to true. If only the other secrets need those units, ${onlyRegular}.";
    }
  ];

  # The phases that units install.
  byUnit = lib.filter (phase: !phase.isEmpty) (
    lib.optional ways.earlyByUnit phases.early
    ++ [ phases.fileSystems ]
    ++ lib.optional ways.regularByUnit phases.regular
  );

  # Our own units have their order already.
  ours = [
    "sops-nix.service"
    "sops-nix.target"
    "sops-nix-for-users.service"
    "sops-nix-for-file-systems.service"
    "sops-nix-generate-age-key.service"
    (import ./no-key-yet.nix).unit
    (import ./online.nix).unit
    "sops-nix-late-key.service"
    "sops-install-secrets.service"
    "sops-install-secrets-for-users.service"
  ];
  others = lib.subtractLists ours;
  oursAssertions =
    option:
    map (unit: {
      assertion = false;
      message = "sops.${option}: ${unit} is a unit of this module, whose order is fixed: remove ${unit} from sops.${option}.";
    }) (lib.intersectLists ours cfg.${option});

  # A unit that waits for the secrets cannot come before them.
  installerOf = phase: "sops-nix${phase.suffix}.service";
  waitingAssertions = map (
    unit:
    let
      phase = lib.findFirst (
        phase:
        ordering.reaches [
          (installerOf phase)
          "sops-nix.target"
        ] unit
      ) null byUnit;
    in
    {
      assertion = phase == null;
      message = "sops.after: ${unit} starts only after ${installerOf phase}: remove that order, or remove ${unit} from sops.after.";
    }
  ) (others cfg.after);

  tooEarly = import ./too-early.nix { inherit lib ordering; };
  # Units that open disks or mount file systems.
  isOfDisks =
    unit:
    lib.any (prefix: lib.hasPrefix prefix unit) [
      "cryptsetup"
      "local-fs"
      "systemd-cryptsetup@"
      "zfs-import-"
    ]
    || lib.hasSuffix ".mount" unit;
  beforeAssertions = lib.concatMap (
    unit:
    map (
      phase:
      let
        early = tooEarly unit (installerOf phase);
      in
      {
        assertion = !early.isTooEarly;
        message =
          "sops.before: ${early.text}: "
          + (
            if isOfDisks unit && phase.option != "neededForFileSystems" then
              "set neededForFileSystems to true for the secrets that a disk or file system needs, and remove ${unit} from sops.before."
            else
              "remove that order, or remove ${unit} from sops.before."
          );
      }
    ) byUnit
  ) (others cfg.before);

  # Nobody knows when such a unit starts, so sops-nix.service would not be ordered as it should be.
  inherit (import ./known-units.nix { inherit config lib; }) isKnown;
  unknownWarnings =
    option:
    map (
      unit:
      "sops.${option}: systemd.units has no ${unit}"
      + lib.optionalString (
        option == "after"
      ) ", so it may be an ordinary unit, and ordinary units do not wait for the secrets"
      + ". If no package and no generator makes this unit either, nothing is ordered ${option} it: correct the name."
    ) (lib.filter (unit: !ordering.isKnown unit && !isKnown unit) (others cfg.${option}));

  # A script or unit of its own makes the key, before any phase.
  keyAssertion = {
    assertion = cfg.preInstall == "" || !cfg.age.generateKey;
    message = "sops.age.generateKey makes the key before sops.preInstall runs, so the key would be hidden below what sops.preInstall mounts: set sops.age.generateKey to false, and let sops.preInstall make the key.";
  };
in
{
  options.sops = {
    after = units [ "unlock-keys.service" ] ''
      Units that start before any secret is installed, because they make, fetch or unlock a key. The units that install secrets want them and start after
      them, in every phase. This needs units: it makes `sops.useSystemdActivation` true, and is refused where a script has to install. A unit that cannot
      start so early is refused, too.
    '';

    before = units [ "early-reader.service" ] ''
      Units that start only when all secrets are installed. Ordinary units need no such setting: they do so anyway. A unit for which the installation itself
      has to wait is refused. Secrets that only key services open come later: for these, there is `neededBy`.
    '';

    preInstall = commands "systemd-creds decrypt /etc/keys/age.cred /run/age.txt" ''
      Commands of a shell that run as root before each installation: they make or fetch a key, or mount the file system that holds it. They run before each
      phase that has secrets, by unit or by script, and may run again at any time. `$SOPS_NIX_PHASE` is `users`, `file-systems` or `regular`. No phase is
      always the last one. Files that they make belong to root alone. They have 80 seconds, and no terminal. If they fail or take longer, a message says so,
      and the installation is tried nevertheless.
    '';

    postInstall = commands "rm -f /run/age.txt" ''
      Commands of a shell that run as root after each installation, even if it failed: they remove a key, or unmount the file system that holds it. Like those
      of `sops.preInstall`, they run in each phase, so in each phase they must remove what was made there. If they fail or take longer than 80 seconds, the
      unit has failed, or the script, but the secrets are there.
    '';
  };

  config.assertions =
    afterAssertions
    ++ lib.concatMap oursAssertions [
      "after"
      "before"
    ]
    ++ waitingAssertions
    ++ beforeAssertions
    ++ [ keyAssertion ];
  config.warnings = lib.concatMap unknownWarnings [
    "after"
    "before"
  ];
}
