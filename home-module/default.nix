# Secrets of sops files for one user of home-manager: the same options as on NixOS, without owners and `neededForUsers`. What installs
# them is in systemd.nix for Linux, and in launchd.nix for macOS.
{
  config,
  lib,
  ...
}:

let
  cfg = import ../module-common/in-effect.nix { inherit config lib; };
  gpg = cfg.gnupg;
in
{
  imports = [
    ../module-common/options.nix
    ./options.nix
    ./checks.nix
    ./systemd.nix
    ./launchd.nix
  ];

  config = {
    sops.environment = {
      SOPS_GPG_EXEC = lib.mkMerge [
        (lib.mkIf (gpg.home != null) (lib.mkDefault "${gpg.package}/bin/gpg"))
        # This program comes with the qube, not from the store.
        (lib.mkIf gpg.qubes-split-gpg.enable (lib.mkDefault "qubes-gpg-client-wrapper"))
      ];
      QUBES_GPG_DOMAIN = lib.mkIf gpg.qubes-split-gpg.enable (lib.mkDefault gpg.qubes-split-gpg.domain);
    };

    home.sessionVariables = lib.mkIf gpg.qubes-split-gpg.enable {
      # With this, `sops` uses the same key when the user calls it.
      SOPS_GPG_EXEC = "qubes-gpg-client-wrapper";
    };
  };
}
