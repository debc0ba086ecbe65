# What `fileSystems` and `systemd.mounts` say of the place where a file lies. system-manager has no `fileSystems`.
{ config, lib }:

let
  # A mount unit in the form of a file system.
  ofMount = unit: {
    mountPoint = unit.where;
    fsType = unit.type or "";
    options = lib.splitString "," (unit.options or "");
    neededForBoot = false;
  };
  all =
    lib.attrValues (config.fileSystems or { })
    ++ map ofMount (lib.filter (unit: unit.enable or true) (config.systemd.mounts or [ ]));
in
rec {
  inherit ofMount;

  # Every file system whose mount point is above a path, or is the path.
  above =
    path:
    lib.filter (
      fs: fs.mountPoint == "/" || path == fs.mountPoint || lib.hasPrefix "${fs.mountPoint}/" path
    ) all;

  # The one that the path lies on: the longest mount point wins.
  fileSystemOf =
    path:
    lib.foldl' (
      best: fs:
      if best == null || lib.stringLength fs.mountPoint > lib.stringLength best.mountPoint then
        fs
      else
        best
    ) null (above path);

  # Whether systemd mounts it only when the network is there.
  isRemote =
    fs:
    lib.elem "_netdev" fs.options
    || lib.elem fs.fsType [
      "9p"
      "afs"
      "ceph"
      "cifs"
      "fuse.sshfs"
      "glusterfs"
      "nfs"
      "nfs4"
      "smb3"
      "sshfs"
    ];
}
