# What `fileSystems` says of the place where a file lies. system-manager has no such option.
{ config, lib }:

{
  # The file system that a path lies on: the one with the longest mount point above it.
  fileSystemOf =
    path:
    let
      isAbove =
        fs: fs.mountPoint == "/" || path == fs.mountPoint || lib.hasPrefix "${fs.mountPoint}/" path;
      above = lib.filter isAbove (lib.attrValues (config.fileSystems or { }));
    in
    lib.foldl' (
      best: fs:
      if best == null || lib.stringLength fs.mountPoint > lib.stringLength best.mountPoint then
        fs
      else
        best
    ) null above;

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
