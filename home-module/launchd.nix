# What installs a user's secrets on macOS: the activation on a switch, and a launchd agent when the user logs in.
{
  config,
  lib,
  pkgs,
  ...
}:

let
  cfg = import ../module-common/in-effect.nix { inherit config lib; };
  install = import ./install.nix {
    inherit lib pkgs cfg;
    systemctl = null;
  };
  shellPath = import ./shell-path.nix { inherit lib; };
  isUnused = cfg.secrets == { } && cfg.templates == { };
  # sops-nix has its logs here.
  logs = "${config.home.homeDirectory}/Library/Logs/SopsNix";
in
{
  config = lib.mkIf pkgs.stdenv.hostPlatform.isDarwin (
    lib.mkMerge [
      (lib.mkIf (!isUnused) {
        # home-manager lets an agent wait for /nix.
        launchd.agents.sops-nix = {
          enable = lib.mkDefault true;
          config = {
            Program = lib.mkDefault "${install.command}";
            RunAtLoad = lib.mkDefault true;
            KeepAlive = lib.mkDefault false;
            StandardOutPath = lib.mkDefault "${logs}/stdout";
            StandardErrorPath = lib.mkDefault "${logs}/stderr";
          };
        };

        home.activation = {
          # The secrets are installed here as well, and not only by the agent: so agents that use them start later, a failure is seen,
          # and nobody has to be logged in. A lock lets only one of the two write at a time. launchd makes the logs, but not their directory.
          sops-nix = lib.hm.dag.entryBetween [ "setupLaunchAgents" ] [ "writeBoundary" "linkGeneration" ] ''
            run ${pkgs.coreutils}/bin/mkdir -p ${lib.escapeShellArg logs}
            sopsFailed=
            run ${install.command} || sopsFailed=1
          '';
          # The activation fails only when the agent is there, which tries again at the next login.
          sops-nix-outcome = lib.hm.dag.entryAfter [ "setupLaunchAgents" "sops-nix" ] ''
            if [ -n "$sopsFailed" ]; then
              echo "The secrets could not be installed: see the messages above. The launchd agent sops-nix tries again at the next login." >&2
              exit 1
            fi
            unset sopsFailed
          '';
        };
      })

      # This part does not need the program. So somebody who only imports the module does not have to build the program.
      (lib.mkIf isUnused {
        home.activation.sops-nix = lib.hm.dag.entryAfter [ "writeBoundary" ] ''
          sopsRuntimeDir="$(/usr/bin/getconf DARWIN_USER_TEMP_DIR)"
          sopsRuntimeDir="''${sopsRuntimeDir%/}"
          sopsLink=${shellPath cfg.defaultSymlinkPath}
          sopsGenerations=${shellPath cfg.defaultSecretsMountPoint}
          case "$(${pkgs.coreutils}/bin/readlink "$sopsLink" || true)" in
            # Only a link to a generation is ours. It goes last, so that an interrupted run is finished by the next.
            "$sopsGenerations"/[0-9]*)
              run ${install.removeMemoryDisk} "$sopsGenerations"
              run ${pkgs.coreutils}/bin/rm -f "$sopsLink"
              ;;
          esac
          unset sopsRuntimeDir sopsLink sopsGenerations
        '';
      })
    ]
  );
}
