# All cases, by name. A case is a configuration and the files of its result that it is about (see ../README.md).
{ lib, pkgs }:

let
  files = [
    ./options.nix
    ./credentials.nix
    ./disabled.nix
    ./keys.nix
    ./mock.nix
    ./templates.nix
    ./early.nix
    ./file-systems.nix
    ./activation.nix
    ./ways.nix
    ./ordering.nix
    ./messages.nix
    ./around.nix
    ./surroundings.nix
    ./user-keys.nix
    ./guides.nix
    ./home.nix
    ./macos.nix
  ];
in
# If two cases had one name, one of them would be lost: that is an error.
lib.foldl' lib.attrsets.unionOfDisjoint { } (map (file: import file { inherit lib pkgs; }) files)
