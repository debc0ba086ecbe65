# One program that does what has to be done before an installation, such as generating a key, and then installs the secrets.
{ lib, pkgs }:

{
  # Scripts that run before, in this order. If one fails, nothing is installed.
  before,
  installer,
}:

if before == [ ] then
  installer
else
  pkgs.writeShellScript "sops-nix-with-key" ''
    set -e
    ${lib.concatLines (map toString before)}exec ${installer}
  ''
