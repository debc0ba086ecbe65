# `fileSystems` of NixOS.
{ lib, ... }:

let
  inherit (lib) types;
  option = type: default: lib.mkOption { inherit type default; };

  fileSystem =
    { name, ... }:
    {
      options = {
        mountPoint = option types.str name;
        device = option types.str "none";
        depends = option (types.listOf types.str) [ ];
        fsType = option types.str "auto";
        options = option (types.listOf types.str) [ ];
        neededForBoot = option types.bool false;
        encrypted.keyFile = option (types.nullOr types.str) null;
      };
    };
in
{
  options.swapDevices = option (types.listOf types.attrs) [ ];
  options.fileSystems = option (types.attrsOf (types.submodule fileSystem)) { };
}
