# Reads from a secret or a template what needs it before the regular phase, and whether it can be there so early.
{ lib }:

let
  options = [
    "neededForUsers"
    "neededForFileSystems"
  ];
in
rec {
  # The options that are set. Each of them puts the secret or template into another phase, so checks.nix refuses it if both are set.
  needsOf = entry: lib.filter (option: entry.${option}) options;

  # The option that decides on the phase.
  needOf = entry: lib.findFirst (option: entry.${option}) null options;

  isRegular = entry: needOf entry == null;

  # Whether the owner and the group are root, which is the only user that exists before the regular phase.
  belongsToRoot =
    entry:
    let
      isRoot = name: name == null || name == "root";
      isZero = number: number == null || number == 0;
    in
    isRoot entry.owner && isRoot entry.group && isZero entry.uid && isZero entry.gid;
}
