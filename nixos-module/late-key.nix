# A key file that may come after the secrets are installed (`sops.age.keyFileMayComeLate`): what restarts sops-nix-online.service when it is there.
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
  unitPath = import ./unit-path.nix { inherit lib; };
  online = import ./online.nix;
  fileSystems = import ./file-systems.nix { inherit config lib; };
  inherit (import ../module-common/key-sources.nix { inherit lib cfg; }) lateKeyFile;
  inherit (import ./install-unit.nix { inherit config lib pkgs; }) onlyIf;

  name = "sops-nix-late-key";
  # An assertion refuses that there is none.
  file = if lateKeyFile == null then "/" else lateKeyFile;
  directories = path: lib.optionals (path != "/") ([ path ] ++ directories (dirOf path));
  mountUnit = path: "${utils.escapeSystemdPath path}.mount";

  # A path unit does not see that something is mounted over a directory. But systemd sees each mount, and starts what its unit wants, also if somebody has
  # mounted it by hand.
  mounts = map mountUnit (directories (dirOf file));
  # Those that a boot may mount. An order behind a mount that has no unit would make systemd look for its unit too early, and never again.
  mountsAtBoot = map (fs: mountUnit fs.mountPoint) (
    lib.filter (fs: fs.mountPoint != "/") (fileSystems.above file)
  );

  # A unit starts only if the file is there, however often it changes.
  comes = {
    ConditionFileNotEmpty = unitPath.plain file;
    StartLimitIntervalSec = 0;
  };

  # The path unit requires the file system of its path. It must not mount one that the boot does not wait for.
  fileSystem = fileSystems.fileSystemOf file;
  isMountedLater =
    fileSystem != null && fileSystem.mountPoint != "/" && !fileSystems.isWaitedFor fileSystem;
in
{
  systemd = lib.mkIf cfg.age.keyFileMayComeLate (
    {
      services = {
        ${name} = lib.mkMerge [
          (onlyIf (!phases.regular.isEmpty) { wantedBy = mounts; })
          {
            description = "The key file of sops-nix has come";
            after = [ "sops-nix.service" ] ++ mountsAtBoot;
            unitConfig = comes;
            serviceConfig = {
              Type = "oneshot";
              NoNewPrivileges = true;
              ExecStart = [ "${import ./late-key-script.nix { inherit pkgs; }}" ];
            };
          }
        ];

        # With key services, it starts in any case, and again and again until nothing is lacking.
        ${online.name} = lib.mkMerge [
          (lib.mkIf cfg.keyServices.enable { unitConfig = { inherit (comes) StartLimitIntervalSec; }; })
          (lib.mkIf (!cfg.keyServices.enable) {
            description = lib.mkDefault "Secrets of sops files whose key comes late";
            unitConfig = comes;
          })
        ];
      };
    }
    # system-manager may lack path units.
    // lib.optionalAttrs (options.systemd ? paths) {
      paths.${name} = lib.mkMerge [
        (onlyIf (!phases.regular.isEmpty) {
          wantedBy =
            if isMountedLater then [ (mountUnit fileSystem.mountPoint) ] else [ "multi-user.target" ];
          # The file may have come before this unit looks.
          wants = [ "${name}.service" ];
        })
        {
          description = "The key file of sops-nix";
          # A file that is there and opens nothing is tried once. PathExists would try it again without end.
          pathConfig.PathChanged = unitPath.plain file;
        }
      ];
    }
  );

  assertions = [
    {
      assertion = !cfg.age.keyFileMayComeLate || cfg.age.keyFile != null;
      message = "sops.age.keyFileMayComeLate is true, but nothing says which file may come late: set sops.age.keyFile.";
    }
    {
      assertion = !(cfg.age.keyFileMayComeLate && cfg.age.generateKey);
      message = "sops.age.generateKey makes the key, so it does not come late: set sops.age.keyFileMayComeLate to false.";
    }
  ];
}
