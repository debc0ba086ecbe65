# Warnings about secrets that are needed before file systems are mounted.
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
    { option, path, ... }:
    let
      fs = fileSystems.fileSystemOf path;
    in
    lib.optional (fs != null && !utils.fsNeededForBoot fs)
      "${option}.path is ${path}. The file system ${fs.mountPoint} is mounted only after the link is made there, and hides the link: choose a path on another file system."
  ) (lib.filter (place: place.directory == phase.directory) phases.places);

  readerWarning =
    { name, remedy }:
    if ways.regularByUnit then
      "At boot, ${name} needs a secret before the unit that installs the secrets can start: ${remedy}."
    else
      "At boot, ${name} needs a secret before a unit can install it, so a script installs the secrets. ${ways.dropped}: ${remedy}.";
in
{
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
