# Secrets of sops files on a Mac with nix-darwin: the options under `sops`, and what installs them. That is the activation on a switch, and
# a launchd daemon at boot.
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
    hostName = config.networking.hostName or null;
  };
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
      sops.environment.SOPS_GPG_EXEC = lib.mkIf (cfg.gnupg.home != null) (
        lib.mkDefault "${cfg.gnupg.package}/bin/gpg"
      );
      system.build.sops-nix-manifest = install.manifest;
    }

    (lib.mkIf (!isUnused) {
      # Users and groups are there by now. home-manager activates the homes in the same script: the secrets of the system come before that, so that a home that
      # fails does not keep them away. A run that fails ends the activation, but only at the end, so that darwin-rebuild reports it.
      system.activationScripts.postActivation.text = lib.mkMerge [
        (lib.mkBefore ''
          echo "setting up secrets..." >&2
          sopsFailed=
          ${install.command} || sopsFailed=1
        '')
        (lib.mkAfter ''
          if [ -n "$sopsFailed" ]; then
            echo "The secrets could not be installed: see the messages above." >&2
            exit 1
          fi
        '')
      ];

      # /run is empty after a boot. nix-darwin lets a daemon wait for /nix.
      launchd.daemons.sops-install-secrets = {
        command = "${install.command}";
        serviceConfig = {
          RunAtLoad = true;
          KeepAlive = false;
          StandardOutPath = cfg.logFile;
          StandardErrorPath = cfg.logFile;
        };
      };
    })

    # This part does not need the program. So somebody who only imports the module does not have to build the program.
    (lib.mkIf isUnused {
      system.activationScripts.postActivation.text = lib.mkAfter ''
        case "$(${pkgs.coreutils}/bin/readlink ${cfg.secretsDir} || true)" in
          # Only a link to a generation is ours. It goes last, so that an interrupted run is finished by the next.
          ${install.mountPoint}/[0-9]*)
            ${install.removeMemoryDisk}
            ${pkgs.coreutils}/bin/rm -f ${cfg.secretsDir}
            ;;
        esac
      '';
    })
  ];
}
