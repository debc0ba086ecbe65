# Configurations read attributes of the units of sops-nix: `after = [ config.systemd.services.sops-install-secrets.name ]`, or their `path`. So these units
# exist here too, without settings. The aliases of our units replace the files that NixOS makes of them.
{
  config,
  lib,
  options,
  ...
}:

let
  cfg = import ../module-common/in-effect.nix { inherit config lib; };
  # system-manager has no aliases. There the settings are passed on too, but no unit has the old name.
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
