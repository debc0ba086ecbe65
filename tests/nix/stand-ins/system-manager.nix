# What system-manager has beside the NixOS options that it knows. It evaluates NixOS modules for the units of another distribution: no `fileSystems`, no aliases.
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
