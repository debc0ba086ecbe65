# Evaluates every case of `cases/`, and returns the results as files: case → file name → text.
{
  lib ? import ./find-lib.nix,
}:

let
  defaultPkgs = import ./stand-ins/pkgs.nix { inherit lib; };
  render = import ./render.nix { inherit lib; };

  evaluators = {
    nixos = import ./evaluate-nixos.nix;
    home = import ./evaluate-home.nix;
    system-manager =
      arguments:
      import ./evaluate-nixos.nix (
        arguments
        // {
          standIns = [
            ./stand-ins/nixos.nix
            ./stand-ins/system-manager.nix
          ];
        }
      );
  };

  cases = import ./cases {
    inherit lib;
    pkgs = defaultPkgs;
  };
in
lib.mapAttrs (
  _:
  {
    system ? "nixos",
    module,
    pkgs ? defaultPkgs,
    # The configuration of the system that home-manager is part of.
    osConfig ? null,
    # The files that the case is about. Messages are always compared.
    shows,
  }:
  let
    results = evaluators.${system} (
      { inherit lib pkgs render; } // lib.optionalAttrs (osConfig != null) { inherit osConfig; }
    ) module;
  in
  lib.genAttrs shows (file: results.${file})
  // lib.optionalAttrs (results.messages != "") { inherit (results) messages; }
) cases
