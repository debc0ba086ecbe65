# What a secret or a template is needed for before the regular phase.
{ lib }:

let
  options = [
    "neededForUsers"
    "neededForFileSystems"
  ];
in
rec {
  # The options that are set, each of which puts it into a phase of its own. Two of them are refused.
  needsOf = entry: lib.filter (option: entry.${option}) options;

  # The option that decides on the phase.
  needOf = entry: lib.findFirst (option: entry.${option}) null options;

  isRegular = entry: needOf entry == null;
}
