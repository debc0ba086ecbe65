# Settings that a configuration adds to the unit of the installer. If something other than this unit starts the installer, it runs without them.
{
  config,
  lib,
  options,
}:

# Names of the unit, without suffix.
names:

let
  definitionsOf = import ./definitions.nix { inherit config lib options; };
  settingsOf =
    name:
    let
      said = definitionsOf name;
    in
    lib.intersectLists [
      "environment"
      "path"
      "preStart"
      "postStart"
      "script"
    ] (lib.attrNames said.fields)
    ++ lib.filter (
      field:
      lib.hasInfix "Environment" field
      || lib.hasInfix "Credential" field
      || lib.elem field [
        "ExecStartPre"
        "ExecStartPost"
      ]
    ) (lib.attrNames said.serviceConfig);
in
lib.unique (lib.concatMap settingsOf names)
