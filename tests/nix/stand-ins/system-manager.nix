# Options that system-manager has in addition to those of NixOS. It evaluates NixOS modules for another distribution, and has no `fileSystems` and no aliases.
{ config, lib, ... }:

{
  options.system-manager.allowAnyDistro = lib.mkOption {
    type = lib.types.bool;
    default = false;
  };
  config.warnings = lib.mapAttrsToList (
    name: _: "system-manager: ${name} has aliases, and nothing is emitted for them"
  ) (lib.filterAttrs (_: unit: unit.aliases != [ ]) config.systemd.services);
}
