# What `fileSystems` and `systemd.mounts` say about the file system of a path. system-manager has no `fileSystems`.
{ config, lib }:

let
  # A mount unit in the form of an entry of `fileSystems`.
  ofMount = unit: {
    mountPoint = unit.where;
    fsType = unit.type or "";
    device = unit.what or null;
    options =
      lib.splitString "," (unit.options or "")
      ++ map (after: "x-systemd.after=${after}") (unit.after or [ ]);
    neededForBoot = false;
    inherit unit;
  };
  all =
    lib.attrValues (config.fileSystems or { })
    ++ map ofMount (lib.filter (unit: unit.enable or true) (config.systemd.mounts or [ ]));
  isWanted = unit: (unit.wantedBy or [ ]) ++ (unit.requiredBy or [ ]) != [ ];
  inherit (import ./unit-fields.nix { inherit lib; }) hasDefaults;
in
rec {
  inherit all ofMount;

  # Our units that start when all local file systems are mounted.
  ours = [
    "sops-nix.service"
    "sops-install-secrets.service"
    "sops-nix.target"
  ];

  # The option that says how a file system is mounted, for messages.
  optionOf =
    fs:
    if fs ? unit then
      "the options of systemd.mounts with where = \"${fs.mountPoint}\""
    else
      "fileSystems.\"${fs.mountPoint}\".options";

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

  # The mount options one by one: an element of the list `options` may itself be a list with commas, as in fstab.
  optionsOf = fs: lib.concatMap (lib.splitString ",") fs.options;

  # The values of an option that may be there several times.
  valuesOf =
    option: fs:
    map (lib.removePrefix "${option}=") (lib.filter (lib.hasPrefix "${option}=") (optionsOf fs));

  # The units that an entry of fstab waits for: systemd.mount(5).
  waitsFor = fs: valuesOf "x-systemd.after" fs ++ valuesOf "x-systemd.requires" fs;

  # The paths that must be there before a file system is mounted: systemd.mount(5).
  partsOf =
    fs:
    [ (dirOf fs.mountPoint) ]
    ++ lib.filter (lib.hasPrefix "/") [ (toString (fs.device or "")) ]
    ++ fs.depends or [ ]
    ++ valuesOf "x-systemd.requires-mounts-for" fs
    ++ valuesOf "x-systemd.wants-mounts-for" fs;

  # Whether a file system is mounted at boot. The file system of a mount unit is mounted at boot if something wants the unit.
  isMountedAtBoot =
    fs:
    lib.mutuallyExclusive [ "noauto" "x-systemd.automount" ] (optionsOf fs)
    && (fs ? unit -> isWanted fs.unit && hasDefaults fs.unit);

  # Whether local-fs.target waits for a file system that the initrd has not mounted. For a mount unit, this does not depend on what
  # starts the unit.
  isWaitedFor =
    fs:
    (if fs ? unit then hasDefaults fs.unit else isMountedAtBoot fs)
    && !isRemote fs
    && !lib.elem "nofail" (optionsOf fs);

  # Whether systemd waits for the network before it mounts this. The types are those of systemd: `fstype_is_network`.
  isRemote =
    fs:
    lib.elem "_netdev" (optionsOf fs)
    || lib.elem (lib.removePrefix "fuse." fs.fsType) [
      "afs"
      "ceph"
      "cifs"
      "davfs"
      "gfs"
      "gfs2"
      "glusterfs"
      "lustre"
      "ncp"
      "ncpfs"
      "nfs"
      "nfs4"
      "ocfs2"
      "orangefs"
      "pvfs2"
      "smb3"
      "smbfs"
      "sshfs"
    ];
}
