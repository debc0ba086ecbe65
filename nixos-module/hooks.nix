# The commands of the configuration that run before and after each installation: `sops.preInstall` and `sops.postInstall`.
#
# A unit runs them with full privileges (`+`), so its confinement does not hold them. But they would still be in namespaces of the unit, where the system
# does not see what they mount, and where there may be no network. So there they enter the namespaces of the system first. A script must not do that: it
# may run in the root of another system, which is being installed.
#
# In all else both ways are the same: the PATH, the mode of new files, the time limit, and no terminal to read from.
{
  config,
  lib,
  pkgs,
  cfg,
}:

let
  # The programs that every unit of NixOS has, and mount.
  path = lib.makeBinPath [
    pkgs.coreutils
    pkgs.findutils
    pkgs.gnugrep
    pkgs.gnused
    pkgs.systemd
    pkgs.util-linux
  ];

  # How many seconds the commands may take, and how many more they get to end themselves.
  limit = 80;
  grace = 5;

  # After how many seconds it is said what is waited for, as by the program.
  silence = 2;

  # The boot screen covers the console. Without one, this is nothing. What was shown is taken away at the end, and nothing else is.
  showOnBootScreen =
    text:
    let
      plymouth = verb: "timeout 2 ${pkgs.plymouth}/bin/plymouth ${verb} --text=\"${text}\" 2> /dev/null";
    in
    lib.optionalString (config.boot.plymouth.enable or false)
      "trap 'kill $! 2> /dev/null; ${plymouth "hide-message"}; exit' TERM; ${plymouth "display-message"}; ";

  # A signal that ends the installation reaches the commands by `timeout`. The script goes on, so that it can say how they ended, and so that the commands
  # after the installation do not run beside those before it.
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
      if [ "''${1-inside}" != inside ] && $enter true 2> /dev/null; then exec $enter "$0" inside; fi
      umask 077
      # What is waited for is the status of the unit, and is said if it takes some time. A script has no arguments, and is in a unit of somebody else.
      arguments=$#
      tell() { [ "$arguments" = 0 ] || systemd-notify --no-block --status="$1" 2> /dev/null; }
      tell "waiting for sops.${option}"
      # This lives as long as the commands may, so its number is no other process's when it is ended.
      ( trap 'kill $! 2> /dev/null; exit' TERM; sleep ${toString silence} & wait; echo "waiting for sops.${option}" >&2; sleep ${toString (limit + grace)} & ${showOnBootScreen "waiting for sops.${option}"}wait ) &
      watcher=$!
      # Not before: what is begun with a trap forgets a signal that comes before it has a trap of its own, and would then be waited for.
      trap : HUP INT TERM
      timeout --kill-after=${toString grace} ${toString limit} ${pkgs.runtimeShell} -ec ${
        lib.escapeShellArg cfg.${option}
      } < /dev/null
      status=$?
      kill "$watcher" 2> /dev/null
      wait
      tell ""
      case $status in
        0) ;;
        124 | 137) echo "sops.${option} took longer than ${toString limit} seconds, and was ended" >&2 ;;
        *) echo "sops.${option} ended with exit code $status" >&2 ;;
      esac
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

  # How many seconds the commands of one option may take at most.
  seconds = limit + grace;

  # Why a dry activation cannot tell what would change: it changes nothing, so it makes no key.
  notTold = phase: lib.optional (hasBefore phase) "sops.preInstall does not run in a dry activation";

  # The fields of a unit. If the commands before the installation fail, it is tried nevertheless: another key may open the files. The commands after it also
  # run if it has failed. They come before all other commands: if one of those fails, systemd runs no further one.
  execStartPre = phase: lib.optional (hasBefore phase) "-+${before phase} unit";
  execStartPost = phase: lib.mkBefore (lib.optional (hasAfter phase) "+${after phase} unit");
  execStopPost = phase: lib.mkBefore (lib.optional (hasAfter phase) "+${after phase} failure");

  # What an activation script runs: the installer, with the commands around it. Those after it also run if a signal ends the script.
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
        + lib.optionalString (hasAfter phase) ''
          finish() {
            status=$?
            trap : HUP INT TERM
            ${after phase}
            last=$?
            [ "$status" != 0 ] || status=$last
            exit "$status"
          }
          trap finish EXIT
          trap 'exit 129' HUP
          trap 'exit 130' INT
          trap 'exit 143' TERM
        ''
        + lib.optionalString (hasBefore phase) "${before phase}\n"
        + "${phase.installer}\n"
      );
}
