# The commands of the configuration that run before and after each installation: `sops.preInstall` and `sops.postInstall`.
#
# A unit runs them with full privileges (`+`), so its confinement does not hold them. But they would still be in namespaces of the unit, where the system
# does not see what they mount, and where there may be no network. So there they enter the namespaces of the system first. A script must not do that: it
# may run in the root of another system, which is being installed.
{
  lib,
  pkgs,
  cfg,
}:

let
  path = lib.makeBinPath [
    pkgs.coreutils
    pkgs.util-linux
  ];

  hook =
    {
      name,
      option,
      first ? "",
    }:
    phase:
    pkgs.writeShellScript "sops-nix-${name}${phase.suffix}" ''
      ${first}export PATH='${path}'"''${PATH:+:$PATH}"
      export SOPS_NIX_PHASE=${
        if phase.suffix == "" then "regular" else lib.removePrefix "-for-" phase.suffix
      }
      enter='nsenter --target 1 --mount --net --wd=/'
      if [ $# != 0 ] && $enter true 2> /dev/null; then exec $enter "$0"; fi
      (
      set -e
      ${cfg.${option}}
      )
      status=$?
      [ "$status" = 0 ] || echo "sops.${option} ended with exit code $status" >&2
      exit "$status"
    '';
  before = hook {
    name = "pre-install";
    option = "preInstall";
  };
  after = hook {
    name = "post-install";
    option = "postInstall";
    # systemd runs ExecStopPost also after an installation that went well. Then ExecStartPost has run the commands already.
    first = ''
      [ "''${1-}" != failure ] || [ "''${EXIT_STATUS-}" != 0 ] || exit 0
    '';
  };

  hasBefore = phase: cfg.preInstall != "" && !phase.isEmpty;
  hasAfter = phase: cfg.postInstall != "" && !phase.isEmpty;
in
rec {
  inherit before after;

  # Whether there are such commands for a phase. A phase that installs nothing needs none.
  any = phase: hasBefore phase || hasAfter phase;

  # Why a dry activation cannot tell what would change: it changes nothing, so it makes no key.
  notTold = phase: lib.optional (hasBefore phase) "sops.preInstall does not run in a dry activation";

  # The fields of a unit. If the commands before the installation fail, it is tried nevertheless: another key may open the files. The commands after it also
  # run if it has failed.
  execStartPre = phase: lib.optional (hasBefore phase) "-+${before phase} unit";
  execStartPost = phase: lib.optional (hasAfter phase) "+${after phase} unit";
  execStopPost = phase: lib.optional (hasAfter phase) "+${after phase} failure";

  # What an activation script runs: the installer, with the commands around it.
  installer =
    phase:
    if !any phase then
      phase.installer
    else
      pkgs.writeShellScript "sops-nix-install${phase.suffix}" (
        ''
          if [ "''${NIXOS_ACTION-}" = dry-activate ]; then
          ${
            if hasBefore phase then
              "echo \"what would change in the secrets is not told: ${lib.head (notTold phase)}\"; exit"
            else
              "exec ${phase.installer}"
          }
          fi
        ''
        + lib.optionalString (hasBefore phase) "${before phase}\n"
        + ''
          ${phase.installer}
          status=$?
        ''
        + lib.optionalString (hasAfter phase) ''
          ${after phase}
          last=$?
          [ "$status" != 0 ] || status=$last
        ''
        + "exit \"$status\"\n"
      );
}
