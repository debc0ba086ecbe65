# A package set with only as much as the evaluation of the modules needs: derivations that are never built, whose store paths are
# easy to read, and text files that contain their text.
{
  lib,
  system ? "x86_64-linux",
}:

let
  isDarwin = lib.hasSuffix "-darwin" system;
  storePath = name: "${builtins.storeDir}/${lib.concatStrings (lib.replicate 32 "0")}-${name}";

  derivation =
    name: attributes:
    {
      type = "derivation";
      # Another build of the same package.
      overrideAttrs = change: derivation name (attributes // change (derivation name attributes));
      inherit name;
      outPath = storePath name;
      drvPath = "${storePath name}.drv";
    }
    // attributes;

  # The store path of a text depends on the text, as in a real store.
  textFile =
    name: text:
    derivation name {
      inherit text;
      outPath = builtins.toFile name (builtins.unsafeDiscardStringContext text);
    };

  platform = {
    inherit system isDarwin;
    isLinux = !isDarwin;
  };

  callPackageWith =
    scope: package: arguments:
    let
      function = if lib.isFunction package then package else import package;
    in
    function (builtins.intersectAttrs (lib.functionArgs function) scope // arguments);

  buildRustPackage = suffix: arguments: derivation "${arguments.pname}${suffix}" arguments;

  pkgs = {
    inherit lib;
    stdenv = {
      inherit isDarwin;
      isLinux = !isDarwin;
      shell = "/bin/sh";
      buildPlatform = platform;
      hostPlatform = platform;
    };
    callPackage = callPackageWith pkgs;
    rustPlatform.buildRustPackage = buildRustPackage "";

    runtimeShell = "/bin/sh";

    # Packages that only the outputs of the project need.
    path = "/nixpkgs";
    pkgsStatic = pkgs;
    mkShell = derivation "shell";
    runCommand =
      name: attributes: _:
      derivation name attributes;
    symlinkJoin = { name, ... }@arguments: derivation name arguments;
    writeShellApplication =
      { name, ... }@arguments: derivation name (arguments // { meta.mainProgram = name; });

    # Packages for the machine that builds.
    pkgsBuildHost.callPackage = callPackageWith (
      pkgs // { rustPlatform.buildRustPackage = buildRustPackage "-for-the-builder"; }
    );

    makeSetupHook = { name, ... }: _: derivation name { };
    writeText = textFile;
    # Paths of scripts and manifests show their names only, because their texts are compared separately.
    writeShellScript = name: text: derivation name { text = "#!/bin/sh\n${text}"; };
    writeTextFile =
      {
        name,
        text,
        checkPhase ? "",
      }:
      derivation name { inherit text checkPhase; };
  }
  // lib.genAttrs [
    "age"
    "age-plugin-tpm"
    "age-plugin-yubikey"
    "cacert"
    "coreutils"
    "gnugrep"
    "gnupg"
    "gnused"
    "hello"
    "git"
    "hostname"
    "clippy"
    "deadnix"
    "findutils"
    "flock"
    "jq"
    "kubectl"
    "kustomize"
    "kustomize-sops"
    "mdbook"
    "nix"
    "nixfmt"
    "nixfmt-tree"
    "openssh"
    "plymouth"
    "python3"
    "rustfmt"
    "sops"
    "ssh-to-pgp"
    "installShellFiles"
    "systemd"
    "util-linux"
  ] (name: derivation name { });
in
pkgs
