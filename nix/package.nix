# sops-install-secrets as a package.
{
  lib,
  installShellFiles,
  rustPlatform,
}:

let
  inherit ((lib.importTOML ../Cargo.toml).package) name version description;
in
rustPlatform.buildRustPackage {
  pname = name;
  inherit version;

  # Only what the compiler reads: a change of a module or of another document causes no rebuild.
  src = lib.fileset.toSource {
    root = ../.;
    fileset = lib.fileset.unions [
      ../Cargo.lock
      ../Cargo.toml
      ../build.rs
      ../docs/messages.md
      ../src
    ];
  };

  cargoLock.lockFile = ../Cargo.lock;

  # The tests need their fixtures and real mounts, so they are a check of their own.
  doCheck = false;

  nativeBuildInputs = [ installShellFiles ];

  # Where build.rs puts the man page and the completions.
  env.SOPS_ASSETS = "assets";

  postInstall = ''
    installManPage "$SOPS_ASSETS"/*.1
    installShellCompletion --bash "$SOPS_ASSETS"/*.bash --fish "$SOPS_ASSETS"/*.fish --zsh "$SOPS_ASSETS"/_*
  '';

  meta = {
    inherit description;
    license = lib.licenses.mit;
    mainProgram = name;
    platforms = lib.platforms.linux ++ lib.platforms.darwin;
  };
}
