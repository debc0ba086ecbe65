# Everything that this project gives to Nix. The flake only sorts it into its outputs.
{
  pkgs ? import (import ./nix/nixpkgs.nix) { },
  # What sops-nix pins its Go modules by: there is nothing to pin here, and who sets it may go on to do so.
  vendorHash ? null,
}:

let
  inherit (pkgs) lib;
  sops-install-secrets = pkgs.callPackage ./nix/package.nix { };
in
{
  inherit sops-install-secrets;
  default = sops-install-secrets;

  # One file without any library, for other distributions and for initial ramdisks.
  static = pkgs.pkgsStatic.callPackage ./nix/package.nix { };

  # docs/options.md, made anew.
  options-page = pkgs.writeText "options.md" (import ./nix/options-page.nix { inherit lib; });

  demo = import ./nix/demo.nix { inherit pkgs sops-install-secrets; };
  shell = import ./shell.nix { inherit pkgs; };
  formatter = pkgs.nixfmt-tree;

  # Each builds only when what it stands for is in order.
  checks = import ./nix/checks.nix { inherit pkgs sops-install-secrets; };
}
// import ./nix/gpg-helpers.nix { inherit pkgs; }
