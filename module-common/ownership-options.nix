# The options about who owns a file. `text` is the type of a name. `owner` and `group` are the defaults, and `groupText` says what the latter is.
{ lib }:

{
  text,
  owner,
  example,
  group,
  groupText,
}:
let
  inherit (lib) types;
in
{
  owner = lib.mkOption {
    type = types.nullOr text;
    default = owner;
    inherit example;
    description = "User that owns the file. If it is set, leave `uid` at 0.";
  };

  uid = lib.mkOption {
    type = types.nullOr types.int;
    default = 0;
    description = "Number of the user that owns the file, if `owner` is `null`. That user need not exist on this host.";
  };

  group = lib.mkOption {
    type = types.nullOr text;
    default = group;
    defaultText = lib.literalMD groupText;
    description = "Group of the file. If it is set, leave `gid` at 0.";
  };

  gid = lib.mkOption {
    type = types.nullOr types.int;
    default = 0;
    description = "Number of the file's group, if `group` is `null`. That group need not exist on this host.";
  };
}
