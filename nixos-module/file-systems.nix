# What `fileSystems` and `systemd.mounts` say about the file system of a path. system-manager has no `fileSystems`.
{ config, lib }:

let
  # A mount unit in the form of an entry of `fileSystems`.
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

  # Every file system whose mount point is the path or one of its parents.
  above =
    path:
    lib.filter (
      fs: fs.mountPoint == "/" || path == fs.mountPoint || lib.hasPrefix "${fs.mountPoint}/" path
    ) all;

  # The file system of the path: the one with the longest mount point.
  fileSystemOf =
    path:
    lib.foldl' (
      best: fs:
      if best == null || lib.stringLength fs.mountPoint > lib.stringLength best.mountPoint then
        fs
      else
        best
    ) null (above path);

  # Whether systemd waits for the network before it mounts this.
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
