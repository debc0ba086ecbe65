# The options that only nix-darwin has: owners as macOS has them, and no units.
{
  config,
  lib,
  ...
}:

let
  cfg = config.sops;
  inherit (lib) types;

  ownershipOptions = import ../module-common/ownership-options.nix { inherit lib; };
  sopsFileHashOption = import ../module-common/sops-file-hash-option.nix { inherit lib cfg; };

  # A configuration that is shared with NixOS hosts may name them, in `lib.mkIf`.
  units = lib.mkOption {
    type = types.listOf types.str;
    default = [ ];
    description = ''
      This is refused on macOS, which has no systemd. In a file for several hosts, write
      `lib.mkIf pkgs.stdenv.hostPlatform.isLinux [ … ]`.
    '';
  };
  refused = {
    restartUnits = units;
    reloadUnits = units;
  };

  secret =
    { config, ... }:
    {
      options =
        refused
        // ownershipOptions {
          text = types.str;
          owner = "root";
          example = "alice";
          group = "staff";
          groupText = "`staff`";
        }
        // {
          path = lib.mkOption {
            type = types.str;
            default = "${cfg.secretsDir}/${config.name}";
            defaultText = lib.literalMD "`/run/secrets/<name>`";
            description = ''
              Where to find the secret. If you set another path than the default, a symlink to the secret or a copy of it is made there (`install`).
            '';
          };

          sopsFileHash = sopsFileHashOption config "";

          neededForUsers = lib.mkOption {
            type = types.bool;
            default = false;
            description = ''
              This is refused on macOS, where nix-darwin sets no passwords of users. In a file for several hosts, write
              `lib.mkIf pkgs.stdenv.hostPlatform.isLinux true`.
            '';
          };
        };
    };

  template =
    { config, ... }:
    {
      options =
        refused
        // ownershipOptions {
          text = types.singleLineStr;
          owner = null;
          example = "alice";
          group = if config.owner != null then "staff" else null;
          groupText = "`staff` if `owner` is set";
        }
        // {
          path = lib.mkOption {
            type = types.singleLineStr;
            default = "${cfg.secretsDir}/rendered/${config.name}";
            defaultText = lib.literalMD "`/run/secrets/rendered/<name>`";
            description = ''
              Where to find the rendered file. If you set another path than the default, a symlink to the file or a copy of it is made there (`install`).
            '';
          };
        };
    };
in
{
  options.sops = {
    secrets = lib.mkOption { type = types.attrsOf (types.submodule secret); };
    templates = lib.mkOption { type = types.attrsOf (types.submodule template); };
    directories = import ../module-common/directory-group.nix { inherit lib; };

    mock = lib.mkOption { default = false; };

    secretsDir = lib.mkOption {
      type = types.path;
      readOnly = true;
      default = "/run/secrets";
      description = "Directory of the installed secrets.";
    };

    logFile = lib.mkOption {
      type = types.path;
      readOnly = true;
      default = "/var/log/sops-nix.log";
      description = "File with the messages of the launchd daemon that installs the secrets at boot.";
    };

    age.sshKeyPaths = lib.mkOption {
      default = [ "/etc/ssh/ssh_host_ed25519_key" ];
      defaultText = lib.literalExpression ''[ "/etc/ssh/ssh_host_ed25519_key" ]'';
    };

    gnupg.sshKeyPaths = lib.mkOption {
      default = [ "/etc/ssh/ssh_host_rsa_key" ];
      defaultText = lib.literalExpression ''[ "/etc/ssh/ssh_host_rsa_key" ]'';
    };
  };
}
