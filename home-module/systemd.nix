# What installs a user's secrets on Linux: a user service. Without a user manager the activation does.
{
  config,
  lib,
  pkgs,
  ...
}:

let
  cfg = import ../module-common/in-effect.nix { inherit config lib; };
  gpg = cfg.gnupg;
  systemctl = config.systemd.user.systemctlPath;

  install = import ./install.nix {
    inherit
      lib
      pkgs
      cfg
      systemctl
      ;
    environmentFileUnits = import ./environment-file-units.nix { inherit config lib; };
  };
  shellPath = import ./shell-path.nix { inherit lib; };
  isUnused = cfg.secrets == { } && cfg.templates == { };
in
{
  config = lib.mkIf (!pkgs.stdenv.hostPlatform.isDarwin) (
    lib.mkMerge [
      (lib.mkIf (!isUnused) {
        systemd.user.services.sops-nix = {
          Unit = {
            Description = lib.mkDefault "Secrets of sops files";
            # home-manager does not restart it: the activation below does, once after every switch.
            X-SwitchMethod = lib.mkDefault "keep-old";
          };
          Service = {
            Type = lib.mkDefault "oneshot";
            RemainAfterExit = lib.mkDefault true;
            # What the installer waits for is the status of the unit.
            NotifyAccess = lib.mkDefault "main";
            ExecStart = lib.mkDefault "${install.installer}";
            # The script sets these variables itself. They are here for configurations that read them.
            Environment = lib.mkDefault (
              lib.mapAttrsToList (name: value: "'${name}=${value}'") (
                lib.filterAttrs (_: value: !lib.hasInfix "'" "${value}") cfg.environment
              )
            );
          }
          # ExecStartPre is set only if there are commands to run. If it is set, the user can only add a list to it. If it is not set,
          # the user's own value can be of any type.
          // lib.optionalAttrs (install.before != [ ]) {
            ExecStartPre = map toString install.before;
          }
          // lib.optionalAttrs (cfg.age.keyCredential != null) {
            ImportCredential = [ cfg.age.keyCredential ];
          };
          # A gpg-agent may open a window to ask for a passphrase.
          Install.WantedBy = [
            (if gpg.home != null then "graphical-session-pre.target" else "default.target")
          ];
        };

        # This runs after the user manager has read the new unit. Without a user manager (a container, a host that has not booted, no systemd) only this can
        # install the secrets.
        home.activation.sops-nix =
          lib.hm.dag.entryAfter [ "writeBoundary" "linkGeneration" "reloadSystemd" ]
            ''
              sopsRuntimeDir="''${XDG_RUNTIME_DIR:-/run/user/$(${pkgs.coreutils}/bin/id -u)}"
              if XDG_RUNTIME_DIR="$sopsRuntimeDir" ${systemctl} --user show-environment > /dev/null 2>&1; then
                run ${pkgs.coreutils}/bin/env XDG_RUNTIME_DIR="$sopsRuntimeDir" ${systemctl} --user restart sops-nix.service
              elif ${install.isPossible} "$sopsRuntimeDir"; then
                ${
                  lib.concatMapStringsSep " && " (
                    script: "run ${pkgs.coreutils}/bin/env XDG_RUNTIME_DIR=\"$sopsRuntimeDir\" ${script}"
                  ) (map toString (install.before ++ [ install.installer ]))
                } || echo "The secrets could not be installed. The user manager tries again when it starts."
              else
                echo "There is no ${install.missing} yet: the secrets will be installed when the user manager starts."
              fi
              unset sopsRuntimeDir
            '';
      })

      # Other units may require the unit, so it is there, and does nothing.
      (lib.mkIf (!cfg.enable) {
        systemd.user.services.sops-nix = {
          Unit.Description = lib.mkDefault "Secrets of sops files (sops.enable is off)";
          Service = {
            Type = lib.mkDefault "oneshot";
            RemainAfterExit = lib.mkDefault true;
            ExecStart = lib.mkDefault "${pkgs.coreutils}/bin/true";
          };
        };
      })

      # This part does not need the program. So somebody who only imports the module does not have to build the program.
      (lib.mkIf isUnused {
        home.activation.sops-nix = lib.hm.dag.entryAfter [ "writeBoundary" "reloadSystemd" ] ''
          sopsRuntimeDir="''${XDG_RUNTIME_DIR:-/run/user/$(${pkgs.coreutils}/bin/id -u)}"
          sopsLink=${shellPath cfg.defaultSymlinkPath}
          sopsGenerations=${shellPath cfg.defaultSecretsMountPoint}
          case "$(${pkgs.coreutils}/bin/readlink "$sopsLink" || true)" in
            # Only a link to a generation is ours. It goes last, so that an interrupted run is finished by the next.
            "$sopsGenerations"/[0-9]*)
              run ${pkgs.coreutils}/bin/rm -rf "$sopsGenerations"
              run ${pkgs.coreutils}/bin/rm -f "$sopsLink"
              ;;
          esac
          unset sopsRuntimeDir sopsLink sopsGenerations
        '';
      })
    ]
  );
}
