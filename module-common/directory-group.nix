# The option for the group of a directory, for the modules that can give it one.
{ lib }:

lib.mkOption {
  type = lib.types.attrsOf (
    lib.types.submodule {
      options.group = lib.mkOption {
        type = lib.types.nullOr lib.types.str;
        default = null;
        defaultText = lib.literalMD "the group of all directories: `keys`, or else `nogroup`";
        example = "wheel";
        description = "Group of the directory. The directory belongs to root: whoever owned it could write in it.";
      };
    }
  );
}
