# The options that only nix-darwin has: owners as macOS has them, and no units.
{
  config,
  lib,
  ...
}:

let
  cfg = config.sops;
  inherit (lib) types;

  # What a secret and a template have in common: who owns the file.
  ownership =
    {
      text,
      owner,
      group,
      groupText,
    }:
    {
      owner = lib.mkOption {
        type = types.nullOr text;
        default = owner;
        example = "alice";
        description = "User that owns the file. If it is set, leave `uid` at 0.";
      };

      uid = lib.mkOption {
        type = types.nullOr types.int;
        default = 0;
        description = "Number of the user that owns the file, if `owner` is `null`. That user need not exist on this host.";
      };

      group = lib.mkOption {
        type = types.nullOr text;
        default = group;
        defaultText = lib.literalMD groupText;
        description = "Group of the file. If it is set, leave `gid` at 0.";
      };

      gid = lib.mkOption {
        type = types.nullOr types.int;
        default = 0;
        description = "Number of the file's group, if `group` is `null`. That group need not exist on this host.";
      };
    };

  secret =
    { config, ... }:
    {
      options =
        ownership {
          text = types.str;
          owner = "root";
          group = "staff";
          groupText = "`staff`";
        }
        // {
          path = lib.mkOption {
            type = types.str;
            default = "${cfg.secretsDir}/${config.name}";
            defaultText = lib.literalMD "`/run/secrets/<name>`";
            description = ''
              Where to find the secret. If you set another path than the default, a symlink to the secret is made there.
            '';
          };

          sopsFileHash = lib.mkOption {
            type = types.str;
            readOnly = true;
            default = lib.optionalString (cfg.enable && cfg.validateSopsFiles && !cfg.mock) (
              builtins.hashFile "sha256" config.sopsFile
            );
            defaultText = lib.literalMD "SHA-256 of `sopsFile`; empty when `sops.validateSopsFiles` or `sops.enable` is off, or `sops.mock` is on";
            description = "Hash of the encrypted file.";
          };

          neededForUsers = lib.mkOption {
            type = types.bool;
            default = false;
            description = ''
              This is refused on macOS, where nix-darwin sets no passwords of users. The option is here so that a file for several hosts can name it.
            '';
          };
        };
    };

  template =
    { config, ... }:
    {
      options =
        ownership {
          text = types.singleLineStr;
          owner = null;
          group = if config.owner != null then "staff" else null;
          groupText = "`staff` if `owner` is set";
        }
        // {
          path = lib.mkOption {
            type = types.singleLineStr;
            default = "${cfg.secretsDir}/rendered/${config.name}";
            defaultText = lib.literalMD "`/run/secrets/rendered/<name>`";
            description = ''
              Where to find the rendered file. If you set another path than the default, a symlink to the file is made there.
            '';
          };
        };
    };
in
{
  options.sops = {
    secrets = lib.mkOption { type = types.attrsOf (types.submodule secret); };
    templates = lib.mkOption { type = types.attrsOf (types.submodule template); };

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
