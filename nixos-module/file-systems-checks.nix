# What is refused or warned of about secrets that file systems need.
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

  # Links on file systems that are mounted later would be hidden by them.
  hiddenLinks = lib.concatMap (
    { option, path, ... }:
    let
      fs = fileSystems.fileSystemOf path;
    in
    lib.optional (fs != null && !utils.fsNeededForBoot fs)
      "${option}.path: ${path} is on ${fs.mountPoint}, which is mounted only after this secret is linked there, and hides the link: choose a path on another file system."
  ) (lib.filter (place: place.directory == phase.directory) phases.places);

  readerWarning =
    { name, remedy }:
    if ways.regularByUnit then
      "A unit installs the secrets here, and at boot ${name} needs one before it: ${remedy}."
    else
      "${name} needs a secret at boot before a unit can install it, so that a script installs the secrets here. ${ways.dropped}: ${remedy}.";
in
{
  # Readers of secrets that sops-nix.service cannot be before.
  warnings =
    lib.optionals (!phases.regular.isEmpty && (ways.regularByUnit || ways.yields)) (
      map readerWarning ways.earlyReaders.regular
    )
    ++ lib.optionals (!phases.early.isEmpty && ways.earlyByUnit) (
      map (
        { name, remedy }:
        "${name} needs a secret at boot, and does not wait for the unit that installs those with neededForUsers: ${remedy}."
      ) ways.earlyReaders.early
    )
    ++ map (
      { name, remedy }: "${name} needs a secret at boot before any unit can install it: ${remedy}."
    ) ways.earlyReaders.fileSystems
    ++
      map
        (
          name:
          "${name} names a secret, and is read in the initrd, where no secret is: have that disk opened or mounted after the initrd, with a secret that is neededForFileSystems."
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
