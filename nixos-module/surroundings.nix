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

  tooEarly = import ./too-early.nix { inherit lib ordering; };
  beforeAssertions = lib.concatMap (
    unit:
    map (
      phase:
      let
        early = tooEarly unit "sops-nix${phase.suffix}.service";
      in
      {
        assertion = !early.isTooEarly;
        message = "sops.before: ${early.text}: remove that order, or remove ${unit} from sops.before.";
      }
    ) byUnit
  ) cfg.before;
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
      has to wait is refused.
    '';

    preInstall = commands "systemd-creds decrypt /etc/keys/age.cred /run/age.txt" ''
      Commands of a shell that run as root before each installation: they make or fetch a key, or mount the file system that holds it. They run before each
      phase that has secrets, by unit or by script, and may run again at any time. `$SOPS_NIX_PHASE` is `users`, `file-systems` or `regular`, in
      this order. If they fail, a message says so, and the installation is tried nevertheless.
    '';

    postInstall = commands "rm -f /run/age.txt" ''
      Commands of a shell that run as root after each installation, even if it failed: they remove a key, or unmount the file system that holds it. Like those
      of `sops.preInstall`, they run in each phase. If they fail, the unit has failed, or the script, but the secrets are there.
    '';
  };

  config.assertions = afterAssertions ++ beforeAssertions;
}
