# Secrets of sops files on a NixOS host: the options under `sops`, a manifest for each phase (secrets with `neededForUsers`, those with
# `neededForFileSystems`, the rest), and what installs them: activation scripts or systemd units.
{
  config,
  lib,
  pkgs,
  ...
}:

let
  phases = import ./phases.nix { inherit config lib pkgs; };
in
{
  imports = [
    ../module-common/options.nix
    ./options.nix
    ./command.nix
    ./credentials.nix
    ./online-unit.nix
    ./late-key.nix
    ./metrics.nix
    ./mock.nix
    ./surroundings.nix
    ./user-keys.nix
    ./scripts.nix
    ./units.nix
    ./file-systems-unit.nix
    ./first-boot.nix
    ./before-switch.nix
    ./former-names.nix
    ./checks.nix
    (lib.mkRenamedOptionModule [ "sops" "gnupgHome" ] [ "sops" "gnupg" "home" ])
    (lib.mkRenamedOptionModule [ "sops" "sshKeyPaths" ] [ "sops" "gnupg" "sshKeyPaths" ])
  ];

  config.system.build = {
    sops-nix-manifest = phases.regular.manifest;
    sops-nix-users-manifest = phases.early.manifest;
    sops-nix-file-systems-manifest = phases.fileSystems.manifest;
  };
}
