# Evaluates a home-manager configuration, and returns the results as files.
{
  lib,
  pkgs,
  render,
  osConfig ? null,
}:

module:

let
  # The part of home-manager's own library that the module uses. It makes an entry of the activation, with a place in the order.
  homeLib = lib.extend (
    _: _: {
      hm.dag = rec {
        entryBetween = before: after: data: { inherit before after data; };
        entryAfter = entryBetween [ ];
      };
    }
  );

  inherit
    (lib.evalModules {
      specialArgs = {
        inherit pkgs;
        lib = homeLib;
      }
      // lib.optionalAttrs (osConfig != null) { inherit osConfig; };
      modules = [
        ./stand-ins/home-manager.nix
        ../../home-module
        module
      ];
    })
    config
    ;

  cfg = import ../../module-common/in-effect.nix { inherit config lib; };
  install = import ../../home-module/install.nix {
    inherit lib pkgs cfg;
    systemctl = if pkgs.stdenv.hostPlatform.isDarwin then null else config.systemd.user.systemctlPath;
    environmentFileUnits = import ../../home-module/environment-file-units.nix { inherit config lib; };
  };
  generateKey = import ../../module-common/generate-key.nix { inherit lib pkgs cfg; };

  activation =
    {
      before,
      after,
      data,
    }:
    (lib.optionalString (before != [ ]) "# before: ${toString before}\n")
    + "# after: ${toString after}\n${data}";
in
{
  "manifest.json" = install.manifest.text;
  "sops-nix-user.sh" = install.installer.text;
  "sops-nix-generate-age-key.sh" = generateKey.text;
  "session-variables" = lib.concatStrings (
    lib.mapAttrsToList (name: value: "${name}=${toString value}\n") config.home.sessionVariables
  );
  "sops-nix.service" = render.userService config.systemd.user.services.sops-nix;
  "agent.json" = builtins.toJSON config.launchd.agents.sops-nix;
  agents = lib.concatLines (lib.attrNames config.launchd.agents);
  "sops-nix-with-key.sh" = install.command.text;
  "sops-nix-remove-memory-disk.sh" = install.removeMemoryDisk.text;
  "activation.snippet" = activation config.home.activation.sops-nix;
  "activation-outcome.snippet" = activation config.home.activation.sops-nix-outcome;
  check-phase = install.manifest.checkPhase;
  services = lib.concatLines (lib.attrNames config.systemd.user.services);
  unused-secrets = lib.concatLines config.sops.unusedSecrets;
  messages = render.messages config;
}
