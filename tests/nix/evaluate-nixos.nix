# A NixOS configuration → its results as files.
{
  lib,
  pkgs,
  render,
}:

module:

let
  evaluated = lib.evalModules {
    specialArgs = { inherit pkgs; };
    modules = [
      ./stand-ins/nixos.nix
      ../../nixos-module
      module
    ];
  };
  inherit (evaluated) config;
  build = config.system.build;
in
{
  "manifest.json" = build.sops-nix-manifest.text;
  "manifest-for-users.json" = build.sops-nix-users-manifest.text;
  "check-phase" = build.sops-nix-manifest.checkPhase;
  messages = render.messages config;
}
// lib.mapAttrs' (name: unit: lib.nameValuePair "${name}.service" (render.service unit)) config.systemd.services
// lib.mapAttrs' (name: snippet: lib.nameValuePair "${name}.snippet" (render.script snippet)) config.system.activationScripts
