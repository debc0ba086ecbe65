# Evaluates a nix-darwin configuration, and returns the results as files.
{
  lib,
  pkgs,
  render,
  # The options of nix-darwin.
  standIns ? import ./nix-darwin-options.nix { inherit lib; },
}:

module:

let
  inherit
    (lib.evalModules {
      specialArgs = { inherit pkgs; };
      modules = standIns ++ [
        ../../darwin-module
        module
      ];
    })
    config
    ;
  cfg = import ../../module-common/in-effect.nix { inherit config lib; };
  install = import ../../darwin-module/install.nix {
    inherit lib pkgs cfg;
    inherit (config.networking) hostName;
  };
in
{
  "manifest.json" = config.system.build.sops-nix-manifest.text;
  "sops-nix.sh" = install.installer.text;
  "sops-nix-with-key.sh" = install.command.text;
  "sops-nix-generate-age-key.sh" =
    (import ../../module-common/generate-key.nix { inherit lib pkgs cfg; }).text;
  "sops-nix-remove-memory-disk.sh" = install.removeMemoryDisk.text;
  "postActivation.snippet" = config.system.activationScripts.postActivation.text;
  "org.nixos.sops-install-secrets.plist" =
    config.environment.launchDaemons."org.nixos.sops-install-secrets.plist".text;
  daemons = lib.concatLines (lib.attrNames config.launchd.daemons);
  check-phase = config.system.build.sops-nix-manifest.checkPhase;
  unused-secrets = lib.concatLines config.sops.unusedSecrets;
  messages = render.messages config;
}
