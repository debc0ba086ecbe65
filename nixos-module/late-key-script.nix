# The script that has a key file tried which has come or changed. It ends at once, so that systemd notices each further change.
{ pkgs }:

let
  online = import ./online.nix;
  systemctl = "${pkgs.systemd}/bin/systemctl";
in
pkgs.writeShellScript "sops-nix-late-key" ''
  # Whoever makes the file writes it now.
  ${pkgs.coreutils}/bin/sleep 1
  # If the unit is active, nothing is lacking. If it is starting, it may have read the file before the change, or wait to try again.
  ${systemctl} is-active --quiet ${online.unit} || exec ${systemctl} restart --no-block ${online.unit}
''
