# Evaluates every case of `cases/`, and returns the results as files: case → file name → text.
{
  lib ? import ./find-lib.nix,
  # Where pages.awk has written the configurations in the documents, if they are to be evaluated as well.
  pages ? null,
}:

let
  defaultPkgs = import ./stand-ins/pkgs.nix { inherit lib; };
  render = import ./render.nix { inherit lib; };

  evaluators = {
    nixos = import ./evaluate-nixos.nix;
    home = import ./evaluate-home.nix;
    darwin = import ./evaluate-darwin.nix;
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
  casesOfPages = lib.optionalAttrs (pages != null) (
    import ./pages.nix {
      inherit lib pages;
      pkgs = defaultPkgs;
    }
  );

  # The manifests that install something.
  manifests =
    results:
    lib.filter
      (
        file:
        results ? ${file}
        && (builtins.fromJSON (builtins.unsafeDiscardStringContext results.${file})).secrets != [ ]
      )
      [
        "manifest.json"
        "manifest-for-users.json"
        "manifest-for-file-systems.json"
      ];
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
    shows ? null,
  }:
  let
    results = evaluators.${system} (
      { inherit lib pkgs render; } // lib.optionalAttrs (osConfig != null) { inherit osConfig; }
    ) module;
  in
  lib.genAttrs (if shows == null then manifests results else shows) (file: results.${file})
  // lib.optionalAttrs (results.messages != "") { inherit (results) messages; }
) (lib.attrsets.unionOfDisjoint cases casesOfPages)
