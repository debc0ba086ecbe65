# Virtual machines that boot NixOS with this project's module, by name. README.md says how to run one.
{
  pkgs ? import (import ../../nix/nixpkgs.nix) { },
  sops-install-secrets ? pkgs.callPackage ../../nix/package.nix { },
  # Only the test of sops-nix's own module needs this argument.
  sopsNix ? fetchTarball {
    url = "https://github.com/Mic92/sops-nix/archive/56b24064fdcaedca53553b1a6d607fd23b613a24.tar.gz";
    sha256 = "sha256-478kKQBvK6SYTOdN2h9jhKJv94nbXRbFMfuL1WshErg=";
  },
}:

let
  inherit (pkgs) lib;

  host = import ./host.nix { inherit sops-install-secrets; };

  # Each other file in this directory is a test, a set of tests, or a function that makes a test for a way of activation.
  notTests = [
    "default.nix"
    "host.nix"
    "upstream-module.nix"
  ];
  files = lib.filter (file: lib.hasSuffix ".nix" file && !lib.elem file notTests) (
    lib.attrNames (builtins.readDir ./.)
  );

  # Both ways of activation must give the same result.
  ways = {
    scripts.sops.useSystemdActivation = false;
    units.sops.useSystemdActivation = true;
  };

  runNamed =
    name: test:
    pkgs.testers.runNixOSTest (
      {
        name = "sops-install-secrets-${name}";
        # A boot that hangs is a failure as well.
        globalTimeout = 600;
      }
      // test
    );

  testsOf =
    file:
    let
      name = lib.removeSuffix ".nix" file;
      test = import (./. + "/${file}") { inherit host lib pkgs; };
    in
    if lib.isFunction test then
      lib.mapAttrs' (way: module: lib.nameValuePair "${name}-by-${way}" (test module)) ways
    else if test ? nodes then
      { ${name} = test; }
    else
      # Variants of the same test.
      lib.mapAttrs' (variant: lib.nameValuePair "${name}-${variant}") test;
in
lib.mapAttrs runNamed (
  lib.foldl' lib.attrsets.unionOfDisjoint {
    upstream-module = import ./upstream-module.nix { inherit sops-install-secrets sopsNix; };
  } (map testsOf files)
)
