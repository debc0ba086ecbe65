# Evaluates every case of `cases/` and gives its results as files: case → file name → text.
{
  lib ? import ./find-lib.nix,
}:

let
  pkgs = import ./stand-ins/pkgs.nix { inherit lib; };
  render = import ./render.nix { inherit lib; };

  evaluators = {
    nixos = import ./evaluate-nixos.nix { inherit lib pkgs render; };
    home = import ./evaluate-home.nix { inherit lib pkgs render; };
  };

  cases = import ./cases { inherit lib pkgs; };
in
lib.mapAttrs (
  _:
  {
    system ? "nixos",
    module,
    # The files that the case is about. Messages are always compared.
    shows,
  }:
  let
    results = evaluators.${system} module;
  in
  lib.genAttrs shows (file: results.${file})
  // lib.optionalAttrs (results.messages != "") { inherit (results) messages; }
) cases
