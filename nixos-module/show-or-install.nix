# What sops-nix.service runs if activation scripts install the secrets. At boot it shows the messages of the scripts and ends with their exit code. Started
# at any other time it installs.
{ lib, pkgs }:

{
  phases,
  # Units that the host has ordered before this one. They may have brought a key that the scripts did not have.
  ahead,
}:

let
  record = import ./boot-record.nix;
  inherit (phases) early regular;

  # The status of the boot becomes the status of the unit.
  show = ''
    [ -z "$status" ] || exit "$status"
  '';
  tryAgain = ''
    [ "$status" != 0 ] || exit 0
    [ -z "$status" ] || echo "trying again, with what has started since"
    # Users have been created without what they needed. That stays a failure, whatever can be installed now.
    [ "''${early:-0}" = 0 ] || { ${
      lib.optionalString (!regular.isEmpty) "${regular.installer} && "
    }exit "$early"; exit; }
  '';
in
pkgs.writeShellScript "sops-nix-show-or-install" ''
  status= early=
  for phase in ${early.suffix} ""; do
    [ -e "${record.status { suffix = "$phase"; }}" ] || continue
    cat "${record.log { suffix = "$phase"; }}"
    read -r code < "${record.status { suffix = "$phase"; }}"
    [ "''${status:-0}" != 0 ] || status=$code
    [ -z "$phase" ] || early=$code
    # It tells of the boot. Whoever starts the unit again wants the secrets installed.
    rm -f "${record.status { suffix = "$phase"; }}" "${record.log { suffix = "$phase"; }}"
  done
  ${
    if ahead == [ ] then show else tryAgain
  }${lib.optionalString regular.isEmpty "[ -e ${regular.mountPoint} ] || exit 0\n"}exec ${regular.installer}
''
