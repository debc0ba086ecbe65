# The nixpkgs library: as `nixpkgs-lib` in NIX_PATH (the repository nix-community/nixpkgs.lib), or in a whole nixpkgs.
let
  alone = builtins.tryEval <nixpkgs-lib>;
in
if alone.success then import (alone.value + "/lib") else import <nixpkgs/lib>
