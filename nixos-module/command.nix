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
      Whether the command `sops-nix` is in the search path of all users. It shows what a sops file tells without a key, and the recipients of
      this host.
    '';
  };

  config.environment.systemPackages = lib.mkIf cfg.installCommand [ cfg.package ];
}
