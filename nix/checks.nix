# The checks of the flake. Each one builds only if the check passes.
{
  pkgs,
  sops-install-secrets,
  docs,
}:

let
  inherit (pkgs) lib;
  inherit (pkgs.stdenv.hostPlatform) isLinux;

  # The build of the package, with another task instead of its own.
  cargo =
    name: tools: command:
    sops-install-secrets.overrideAttrs (old: {
      pname = "${old.pname}-${name}";
      # The whole project: a test reads the documents, and checks that the files that they name exist.
      src = lib.fileset.toSource {
        root = ../.;
        fileset = lib.fileset.difference ../. (lib.fileset.maybeMissing ../target);
      };
      nativeBuildInputs = old.nativeBuildInputs ++ tools;
      buildPhase = command;
      installPhase = "touch $out";
    });

  # The tests of the Nix side, without those that need root or systemd.
  nixSide =
    pkgs.runCommand "sops-install-secrets-nix-side"
      {
        nativeBuildInputs = [
          pkgs.deadnix
          pkgs.gnupg
          pkgs.jq
          pkgs.nix
          pkgs.nixfmt
          pkgs.python3
        ];
        src = lib.fileset.toSource {
          root = ../.;
          fileset = lib.fileset.unions [
            ../Cargo.lock
            ../Cargo.toml
            ../build.rs
            ../benches
            ../default.nix
            ../docs/messages.md
            ../docs/options.md
            ../flake.lock
            ../flake.nix
            ../home-module
            ../module-common
            ../modules
            ../nix
            ../nixos-module
            ../pkgs
            ../shell.nix
            ../src
            ../tests/fixtures
            ../tests/nix
            ../vm-tests/nixos
          ];
        };
        NIX_PATH = "nixpkgs=${pkgs.path}";
        SOPS_INSTALL_SECRETS = lib.getExe sops-install-secrets;
      }
      ''
        export HOME=$TMPDIR
        cp -r --no-preserve=mode "$src" project
        bash project/tests/nix/run.sh
        touch $out
      '';

  vmTests = import ../vm-tests/nixos { inherit pkgs sops-install-secrets; };
in
{
  package = sops-install-secrets;
  # The tests are for Linux.
  clippy = cargo "clippy" [
    pkgs.clippy
  ] "cargo clippy ${lib.optionalString isLinux "--all-targets"} -- --deny warnings";
  # As `make deny` does for the program.
  deny = cargo "deny" [ pkgs.cargo-deny ] ''
    cargo deny --frozen check -D warnings -A license-exception-not-encountered licenses bans sources
  '';
  inherit docs;
  formatting = cargo "formatting" [ pkgs.rustfmt ] "cargo fmt --check";
}
// lib.optionalAttrs isLinux (
  {
    tests = cargo "tests" [
      pkgs.age
      pkgs.openssh
      pkgs.sops
    ] "cargo test";
    nix-side = nixSide;
  }
  // lib.mapAttrs' (name: lib.nameValuePair "vm-${name}") vmTests
)
