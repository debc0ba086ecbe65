# What a unit runs if an activation script installs its phase. At boot it shows the messages of the scripts and ends with their exit code. Started at any
# other time it installs.
{ lib, pkgs }:

{
  # The phase that the unit installs.
  phase,
  # The phases whose messages it shows, in their order. The last is its own.
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
    [ -z "$status" ] || echo "trying again, with what has started since"
    # Users have been created without what they needed. That stays a failure, whatever can be installed now.
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
    # It tells of the boot. Whoever starts the unit again wants the secrets installed.
    rm -f "${record.status { suffix = "$phase"; }}" "${record.log { suffix = "$phase"; }}"
  done
  ${
    if ahead == [ ] then show else tryAgain
  }${lib.optionalString phase.isEmpty "[ -e ${phase.mountPoint} ] || exit 0\n"}exec ${phase.installer}
''
