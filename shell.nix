# The tools for work on the project.
{
  pkgs ? import (import ./nix/nixpkgs.nix) { },
}:

pkgs.mkShell {
  inputsFrom = [ (pkgs.callPackage ./nix/package.nix { }) ];
  packages = [
    pkgs.age
    pkgs.clippy
    pkgs.deadnix
    pkgs.gnupg
    pkgs.jq
    pkgs.nixfmt
    pkgs.openssh
    pkgs.rustfmt
    pkgs.sops
  ];
}
