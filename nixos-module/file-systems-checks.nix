# Warnings about secrets that are needed before file systems are mounted, and what is refused about copies on file systems.
{
  config,
  lib,
  phases,
  utils,
  # ways.nix
  ways,
}:

let
  phase = phases.fileSystems;
  fileSystems = import ./file-systems.nix { inherit config lib; };

  # A file system that is mounted after a link was made at its mount point, or below, hides the link.
  hiddenLinks = lib.concatMap (
    {
      option,
      path,
      install,
      ...
    }:
    let
      fs = fileSystems.fileSystemOf path;
    in
    lib.optional (fs != null && !utils.fsNeededForBoot fs)
      "${option}.path is ${path}. The file system ${fs.mountPoint} is mounted only after the ${install} is made there, and hides the ${install}: choose a path on another file system."
  ) (lib.filter (place: place.directory == phase.directory) phases.places);

  # Copies on a file system that is known to be no memory. Of any other, the run will tell. These paths usually lead into memory by symlinks, or a unit
  # mounts it there.
  onDisk = [
    "bcachefs"
    "btrfs"
    "cifs"
    "exfat"
    "ext2"
    "ext3"
    "ext4"
    "f2fs"
    "nfs"
    "nfs4"
    "vfat"
    "xfs"
    "zfs"
  ];
  maybeInMemory = [
    "/dev/"
    "/run/"
    "/tmp/"
    "/var/lock/"
    "/var/run/"
  ];
  copyAssertions = map (
    {
      option,
      path,
      install,
      copyToDisk,
      ...
    }:
    let
      fs = fileSystems.fileSystemOf path;
      isOnDisk =
        fs != null
        && lib.elem fs.fsType onDisk
        && !lib.any (directory: lib.hasPrefix directory path) maybeInMemory;
    in
    {
      assertion = install == "link" || copyToDisk || !isOnDisk;
      message = "${option}.path is ${path}, which is on the file system ${fs.mountPoint} of the type ${fs.fsType}, so a copy there would be plaintext on a disk: choose a path below /run, or if plaintext on the disk is meant, set copyToDisk to true.";
    }
  ) phases.places;

  readerWarning =
    { name, remedy }:
    if ways.regularByUnit then
      "At boot, ${name} needs a secret before the unit that installs the secrets can start: ${remedy}."
    else
      "At boot, ${name} needs a secret before a unit can install it, so a script installs the secrets. ${ways.dropped}: ${remedy}.";
in
{
  assertions = copyAssertions;

  # Parts of the configuration that read secrets before their unit can install them.
  warnings =
    lib.optionals (!phases.regular.isEmpty && (ways.regularByUnit || ways.yields)) (
      map readerWarning ways.earlyReaders.regular
    )
    ++ lib.optionals (!phases.early.isEmpty && ways.earlyByUnit) (
      map (
        { name, remedy }:
        "At boot, ${name} needs a secret with neededForUsers, but does not wait for the unit that installs it: ${remedy}."
      ) ways.earlyReaders.early
    )
    ++ map (
      { name, remedy }: "At boot, ${name} needs a secret before any unit can install it: ${remedy}."
    ) ways.earlyReaders.fileSystems
    ++
      map
        (
          name:
          "${name} names a secret, but is read in the initrd, which has no secrets: open or mount that disk after the initrd, with a secret that has neededForFileSystems."
        )
        (
          import ./initrd-readers.nix {
            inherit
              config
              lib
              phases
              utils
              ;
          }
        )
    ++ hiddenLinks;
}
