# Stands for an input of a flake that is not here. It has modules without options, packages, and functions that return packages. The
# variable INPUT names a directory with its files.
let
  lib = import ../../nix/find-lib.nix;
  pkgs = lib.genAttrs [
    "aarch64-darwin"
    "aarch64-linux"
    "x86_64-darwin"
    "x86_64-linux"
  ] (system: import ./nixpkgs { inherit system; });
in
pkgs.aarch64-darwin.hello
// {
  outPath = builtins.getEnv "INPUT";
  overlays = lib.mapAttrs (
    _: _: _: _:
    { }
  ) pkgs.aarch64-darwin;
  packages = pkgs;
  legacyPackages = pkgs;
}
