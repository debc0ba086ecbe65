# Reads from a secret or a template what needs it before the regular phase.
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
}
