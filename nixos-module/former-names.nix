# Configurations read the units of sops-nix: `after = [ config.systemd.services.sops-install-secrets.name ]`, or their `path`. So they are there,
# without a setting; the files that NixOS makes of them are replaced by the aliases of our units.
{
  config,
  lib,
  options,
  ...
}:

let
  cfg = config.sops;
  # system-manager knows no aliases. Settings are passed on there as well, and nothing is made of the names.
  unit = {
    path = cfg.age.plugins;
    enable = lib.mkIf (options ? system-manager) (lib.mkDefault false);
  };
in
{
  systemd.services = {
    sops-install-secrets = unit;
    sops-install-secrets-for-users = lib.mkIf cfg.useSystemdActivation unit;
  };
}
