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

  # What the compiler reads, and nothing else: an edit of a document or of a module builds nothing anew.
  src = lib.fileset.toSource {
    root = ../.;
    fileset = lib.fileset.unions [
      ../Cargo.lock
      ../Cargo.toml
      ../build.rs
      ../src
    ];
  };

  cargoLock.lockFile = ../Cargo.lock;

  # The tests read their fixtures, and want real mounts: they are a check of their own.
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
    platforms = lib.platforms.linux;
  };
}
