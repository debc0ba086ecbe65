# Secrets of sops files for one user of home-manager: the same options as on NixOS, without owners, units to restart and early secrets.
# A user service installs them; where there is no user manager, the activation does.
{
  config,
  lib,
  pkgs,
  ...
}:

let
  cfg = config.sops;
  gpg = cfg.gnupg;
  systemctl = config.systemd.user.systemctlPath;

  install = import ./install.nix { inherit lib pkgs cfg; };

  # A path with its `%r` and `%%` in the words of a shell.
  shellPath =
    path:
    lib.replaceStrings [ "%%" "%r" ] [ "%" "'\"$sopsRuntimeDir\"'" ]
      "'${lib.replaceStrings [ "'" ] [ "'\\''" ] path}'";
  isUnused = cfg.secrets == { } && cfg.templates == { };
in
{
  imports = [
    ../module-common/options.nix
    ./options.nix
    ./checks.nix
  ];

  config = lib.mkMerge [
    {
      sops.environment = {
        SOPS_GPG_EXEC = lib.mkMerge [
          (lib.mkIf (gpg.home != null) (lib.mkDefault "${gpg.package}/bin/gpg"))
          # It comes with the qube, not from the store.
          (lib.mkIf gpg.qubes-split-gpg.enable (lib.mkDefault "qubes-gpg-client-wrapper"))
        ];
        QUBES_GPG_DOMAIN = lib.mkIf gpg.qubes-split-gpg.enable (lib.mkDefault gpg.qubes-split-gpg.domain);
      };

      home.sessionVariables = lib.mkIf gpg.qubes-split-gpg.enable {
        # So that `sops` itself, called by hand, uses the same key.
        SOPS_GPG_EXEC = "qubes-gpg-client-wrapper";
      };
    }

    (lib.mkIf (!isUnused) {
      systemd.user.services.sops-nix = {
        Unit = {
          Description = lib.mkDefault "Secrets of sops files";
          # home-manager leaves it alone: the activation below restarts it, after every switch and once.
          X-SwitchMethod = lib.mkDefault "keep-old";
        };
        Service = {
          Type = lib.mkDefault "oneshot";
          RemainAfterExit = lib.mkDefault true;
          ExecStart = lib.mkDefault "${install.installer}";
          # The script has them as well. This is for those who read it here.
          Environment = lib.mkDefault (
            lib.mapAttrsToList (name: value: "'${name}=${value}'") (
              lib.filterAttrs (_: value: !lib.hasInfix "'" "${value}") cfg.environment
            )
          );
        }
        # Lists of the user's add up with a list, and anything is the only value where there is none.
        // lib.optionalAttrs (install.before != [ ]) {
          ExecStartPre = map toString install.before;
        }
        // lib.optionalAttrs (cfg.age.keyCredential != null) {
          ImportCredential = [ cfg.age.keyCredential ];
        };
        # A gpg-agent may ask for a passphrase in a window.
        Install.WantedBy = [
          (if gpg.home != null then "graphical-session-pre.target" else "default.target")
        ];
      };

      # After the user manager has read the new unit. Without one (a container, a host that has not booted, no systemd) nobody else would do it.
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
              } || echo "Without a user manager the secrets could not be installed. It tries again when it starts."
            else
              echo "There is no ${install.missing} yet: the secrets will be installed when the user manager starts."
            fi
            unset sopsRuntimeDir
          '';
    })

    # The program itself is not needed for this: whoever only imports the module does not build it.
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
  ];
}
