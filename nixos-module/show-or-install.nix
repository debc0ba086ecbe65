# The command of a unit whose phase an activation script installs. At boot, the command shows the messages of the scripts, and ends with their exit code. At
# any other time, the command installs the secrets.
{ lib, pkgs }:

{
  # The phase that the unit installs.
  phase,
  # The phases whose messages the command shows, in order. The last one is the phase of the unit itself.
  shown,
  # Units that the host has ordered before this one. They may have brought a key that the scripts did not have.
  ahead,
}:

let
  record = import ./boot-record.nix;

  # The status of the boot becomes the status of the unit.
  show = ''
    [ -z "$status" ] || exit "$status"
  '';
  tryAgain = ''
    [ "$status" != 0 ] || exit 0
    [ -z "$status" ] || echo "trying again, because more of the system has started since"
    # The users were created without their secrets. The unit has failed because of that, even if the secrets can be installed now.
    [ "''${early:-0}" = 0 ] || { ${
      lib.optionalString (!phase.isEmpty) "${phase.installer} && "
    }exit "$early"; exit; }
  '';
in
pkgs.writeShellScript "sops-nix-show-or-install${phase.suffix}" ''
  status= early=
  for phase in ${
    lib.concatMapStringsSep " " (phase: if phase.suffix == "" then "\"\"" else phase.suffix) shown
  }; do
    [ -e "${record.status { suffix = "$phase"; }}" ] || continue
    cat "${record.log { suffix = "$phase"; }}"
    read -r code < "${record.status { suffix = "$phase"; }}"
    [ "''${status:-0}" != 0 ] || status=$code
    [ -z "$phase" ] || early=$code
    # The files are about the boot. A person who starts the unit again wants the secrets to be installed.
    rm -f "${record.status { suffix = "$phase"; }}" "${record.log { suffix = "$phase"; }}"
  done
  ${
    if ahead == [ ] then show else tryAgain
  }${lib.optionalString phase.isEmpty "[ -e ${phase.mountPoint} ] || [ -e ${phase.ledger} ] || exit 0\n"}exec ${phase.installer}
''
