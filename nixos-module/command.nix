# The command `sops-nix`, which people type, in the search path.
{ config, lib, ... }:

let
  cfg = config.sops;
in
{
  options.sops.installCommand = lib.mkOption {
    type = lib.types.bool;
    default = true;
    description = ''
      Whether the command `sops-nix` is in the search path of all users. It shows what this host has installed and what is wrong, tries again what
      failed, looks into sops files without a key, checks them, and prints the recipients of keys. It prints no secret.
    '';
  };

  config.environment.systemPackages = lib.mkIf cfg.installCommand [ cfg.package ];
}
