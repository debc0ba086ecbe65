# The options of nix-darwin that the tests evaluate with: those of a checkout of nix-darwin, which the variable NIX_DARWIN names, or else
# stand-ins for them.
{ lib }:

let
  checkout = builtins.getEnv "NIX_DARWIN";
  inherit (lib) types mkOption;
  option = type: default: mkOption { inherit type default; };
in
if checkout == "" then
  [ ./stand-ins/nix-darwin.nix ]
else
  [
    (checkout + "/modules/launchd")
    (checkout + "/modules/system/activation-scripts.nix")
    (
      { pkgs, ... }:
      {
        # What these two modules take from others.
        options = {
          assertions = option (types.listOf types.unspecified) [ ];
          warnings = option (types.listOf types.str) [ ];
          networking.hostName = option (types.nullOr types.str) null;
          environment = lib.genAttrs [ "launchAgents" "launchDaemons" "userLaunchAgents" ] (
            _: option (types.attrsOf types.unspecified) { }
          );
          system = {
            build = option (types.attrsOf types.unspecified) { };
            requiresPrimaryUser = option (types.listOf types.str) [ ];
          };
        };
        config._module.args = { inherit pkgs; };
      }
    )
  ]
