# The units of the user that read a file by EnvironmentFile=, by its path. In a unit, `%t` and `%h` stand for directories of the user.
{ config, lib }:

let
  asInOptions =
    file: lib.replaceStrings [ "%t" "%h" ] [ "%r" config.home.homeDirectory ] (toString file);
in
(import ../module-common/environment-files.nix { inherit lib; }).unitsByPath (
  lib.mapAttrs (
    _: service: map asInOptions (lib.toList (service.Service.EnvironmentFile or [ ]))
  ) config.systemd.user.services
)
