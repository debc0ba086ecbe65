# The command of a unit that says on the console of the machine that all secrets are dummies. The journal has the warning of the installer, but nobody looks
# there while a machine boots.
{ lib, pkgs }:

phase:

let
  script = pkgs.writeShellScript "sops-nix-mock-warning${phase.suffix}" ''
    echo ${lib.escapeShellArg "warning: all secrets in ${phase.directory} are dummies, because sops.mock is on; on a real host, set sops.mock to false, and switch"} > /dev/console
  '';
in
{
  inherit script;
  # The command as it is written in a unit. Not every machine has a console.
  command = "-+${script}";
}
