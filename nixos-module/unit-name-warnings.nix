# Warnings about names in `neededBy`, `restartUnits` and `reloadUnits` that belong to no unit.
{
  config,
  lib,
  phases,
}:

let
  inherit (import ./known-units.nix { inherit config lib; }) fullName isKnown quadletUnit;
  inherit (import ./unit-templates.nix { inherit lib; }) isTemplate;
in
lib.concatMap (
  { option, entry, ... }:
  lib.concatMap
    (
      field:
      lib.concatMap (
        unit:
        if quadletUnit unit != null then
          [
            "${option}.${field}: ${unit} is a file of quadlet, which turns it into the unit ${quadletUnit unit}: write ${quadletUnit unit}."
          ]
        else if isTemplate (fullName unit) then
          [
            "${option}.${field}: ${fullName unit} is a template, of which only instances run, so nothing is restarted or reloaded after a change: name the instances."
          ]
        else
          lib.optional (!isKnown (fullName unit))
            "${option}.${field}: systemd.units has no ${fullName unit}. If no package and no generator makes this unit either, it is not restarted or reloaded after a change: correct the name."
      ) entry.${field}
    )
    [
      "neededBy"
      "restartUnits"
      "reloadUnits"
    ]
) phases.entries
