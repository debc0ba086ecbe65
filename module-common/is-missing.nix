# Whether evaluation knows that a file of the configuration is missing. If the file is still to be built, nobody knows it yet.
{ lib }:

let
  isInStore = import ./in-store.nix { inherit lib; };
in
file: isInStore file && !builtins.hasContext "${toString file}" && !builtins.pathExists file
