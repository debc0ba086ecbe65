# Everything that this project provides for Nix. The flake only sorts it into its outputs.
{
  pkgs ? import (import ./nix/nixpkgs.nix) { },
  # sops-nix pins its Go modules by this. Here it is accepted and ignored.
  vendorHash ? null,
}:

let
  inherit (pkgs) lib;
  inherit (pkgs.stdenv.hostPlatform) isLinux;
  sops-install-secrets = pkgs.callPackage ./nix/package.nix { };
  docs = pkgs.callPackage ./nix/docs.nix { };
in
{
  inherit sops-install-secrets;
  default = sops-install-secrets;

  # The site of the documents.
  inherit docs;

  # A new docs/options.md.
  options-page = pkgs.writeText "options.md" (import ./nix/options-page.nix { inherit lib; });

  shell = import ./shell.nix { inherit pkgs; };
  formatter = pkgs.nixfmt-tree;

  # Each one builds only if the check passes.
  checks = import ./nix/checks.nix { inherit pkgs sops-install-secrets docs; };
}
// lib.optionalAttrs isLinux {
  # One file without any library, for other distributions and for initial ramdisks.
  static = pkgs.pkgsStatic.callPackage ./nix/package.nix { };

  # Asks key services, such as those of clouds.
  sops-key-services = pkgs.callPackage ./nix/key-services.nix { };

  # Its directory is named by a variable that macOS does not have.
  demo = import ./nix/demo.nix { inherit pkgs sops-install-secrets; };
}
// import ./nix/helpers.nix { inherit pkgs; }
