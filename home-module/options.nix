# The options that only home-manager has.
{
  config,
  lib,
  ...
}:

let
  cfg = config.sops;
  inherit (lib) types;

  secret =
    { config, ... }:
    {
      options.path = lib.mkOption {
        type = types.str;
        default = "${cfg.defaultSymlinkPath}/${config.name}";
        defaultText = lib.literalExpression ''"''${config.sops.defaultSymlinkPath}/<name>"'';
        example = "%r/context7/api-key";
        description = ''
          Where the secret is to be found. Any place other than the default becomes a symlink to the secret.
          `%r` stands for the run-time directory (`$XDG_RUNTIME_DIR`), `%%` for a percent sign.
        '';
      };
    };

  template =
    { config, ... }:
    {
      options.path = lib.mkOption {
        type = types.singleLineStr;
        default = "${cfg.defaultSymlinkPath}/rendered/${config.name}";
        defaultText = lib.literalExpression ''"''${config.sops.defaultSymlinkPath}/rendered/<name>"'';
        description = ''
          Where the rendered file is to be found. Any place other than the default becomes a symlink to it.
          `%r` stands for the run-time directory (`$XDG_RUNTIME_DIR`), `%%` for a percent sign.
        '';
      };
    };
in
{
  options.sops = {
    secrets = lib.mkOption { type = types.attrsOf (types.submodule secret); };
    templates = lib.mkOption { type = types.attrsOf (types.submodule template); };

    defaultSymlinkPath = lib.mkOption {
      type = types.str;
      default = "${config.xdg.configHome}/sops-nix/secrets";
      defaultText = lib.literalExpression ''"''${config.xdg.configHome}/sops-nix/secrets"'';
      description = "Link to the live generation of secrets. `%r` and `%%` mean what they mean in `path`.";
    };

    defaultSecretsMountPoint = lib.mkOption {
      type = types.str;
      default = "%r/secrets.d";
      description = "Directory of the generations of secrets. `%r` and `%%` mean what they mean in `path`.";
    };

    age.sshKeyPaths = lib.mkOption { default = [ ]; };

    gnupg = {
      sshKeyPaths = lib.mkOption { default = [ ]; };

      qubes-split-gpg = {
        enable = lib.mkOption {
          type = types.bool;
          default = false;
          description = ''
            Whether gpg runs in another qube, by [Split GPG](https://www.qubes-os.org/doc/split-gpg) of Qubes OS. Excludes `sops.gnupg.home` and `sops.gnupg.sshKeyPaths`.
          '';
        };

        domain = lib.mkOption {
          type = types.nullOr types.str;
          default = null;
          example = "vault-gpg";
          description = "The qube that has the keys.";
        };
      };
    };
  };
}
