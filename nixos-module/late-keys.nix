# Keys on file systems that the initrd does not mount: the path of each, and its file system. Scripts cannot use these keys at boot,
# because scripts run before systemd mounts anything. A key that may come late is not among them.
{
  config,
  lib,
  utils,
}:

let
  fileSystems = import ./file-systems.nix { inherit config lib; };
  keySources = import ../module-common/key-sources.nix {
    inherit lib;
    cfg = config.sops;
  };
in
lib.filter ({ fs, ... }: fs != null && !utils.fsNeededForBoot fs) (
  map (path: {
    inherit path;
    fs = fileSystems.fileSystemOf path;
  }) keySources.pathsAtBoot
)
