# sops-key-services as a package: the program that asks key services, such as those of clouds.
{ lib, rustPlatform }:

let
  inherit ((lib.importTOML ../key-services/Cargo.toml).package) name version description;
in
rustPlatform.buildRustPackage {
  pname = name;
  inherit version;

  src = lib.fileset.toSource {
    root = ../key-services;
    fileset = lib.fileset.unions [
      ../key-services/Cargo.lock
      ../key-services/Cargo.toml
      ../key-services/src
    ];
  };

  cargoLock.lockFile = ../key-services/Cargo.lock;

  # The tests need servers.
  doCheck = false;

  meta = {
    inherit description;
    license = lib.licenses.mit;
    mainProgram = name;
    platforms = lib.platforms.linux;
  };
}
