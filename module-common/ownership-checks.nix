# What NixOS and nix-darwin refuse about the owner of a file.
{ lib }:

let
  isSet = number: number != null && number != 0;
in
# A secret or a template, and its option name for messages. `numbers` says where the numbers of a user and of a group may come from.
{
  option,
  entry,
  numbers ? null,
}:

let
  remark =
    kind:
    lib.optionalString (
      numbers != null
    ) " (${numbers.${kind}} is null if the configuration does not set it.)";
in
[
  # If both are null, the file would belong to root. The user certainly did not mean that.
  {
    assertion = entry.owner != null || entry.uid != null;
    message = "${option}.owner and ${option}.uid are both null: set one of them.${remark "user"}";
  }
  {
    assertion = entry.group != null || entry.gid != null;
    message = "${option}.group and ${option}.gid are both null: set one of them.${remark "group"}";
  }
  {
    assertion = entry.owner == null || !isSet entry.uid;
    message = "${option} has an owner and a uid: leave uid at 0, or set owner to null.";
  }
  {
    assertion = entry.group == null || !isSet entry.gid;
    message = "${option} has a group and a gid: leave gid at 0, or set group to null.";
  }
]
