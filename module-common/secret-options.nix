# The options of secrets and templates that both modules have.
{
  config,
  lib,
  pkgs,
  ...
}:

let
  cfg = config.sops;
  types = lib.types // import ./types.nix { inherit lib; };
  templateText = import ./template-text.nix { inherit lib pkgs; };

  secret =
    { name, ... }:
    {
      options = {
        name = lib.mkOption {
          type = types.str;
          default = name;
          defaultText = lib.literalMD "the attribute name";
          description = ''
            Name of the secret's file below the directory of the secrets. It may contain `/`, which makes directories.
          '';
        };

        key = lib.mkOption {
          type = types.str;
          default = if cfg.defaultSopsKey != null then cfg.defaultSopsKey else name;
          defaultText = lib.literalMD "`sops.defaultSopsKey` if that is set, else the attribute name";
          example = "postgres/password";
          description = ''
            Where the secret stands in a YAML or JSON sops file. `a/b/c` walks nested maps. Names with slashes and elements of lists are
            written as for `sops decrypt --extract`: `["a/b"]["c"][0]`.
            `""` means the whole file. The other formats always give the whole file.
          '';
        };

        format = lib.mkOption {
          type = types.format;
          default = cfg.defaultSopsFormat;
          defaultText = lib.literalExpression "config.sops.defaultSopsFormat";
          description = ''
            Format of the sops file. A `binary` file is written out as it was before it was encrypted.
          '';
        };

        mode = lib.mkOption {
          type = types.str;
          default = "0400";
          description = "Permissions of the secret's file, in octal.";
        };

        sopsFile = lib.mkOption {
          type = types.path;
          default = cfg.defaultSopsFile;
          defaultText = lib.literalExpression "config.sops.defaultSopsFile";
          description = "The encrypted file that holds the secret.";
        };
      };
    };

  template =
    { config, name, ... }:
    {
      options = {
        name = lib.mkOption {
          type = types.singleLineStr;
          default = name;
          defaultText = lib.literalMD "the attribute name";
          description = "Name of the rendered file below the directory of the rendered templates. It may contain `/`, which makes directories.";
        };

        content = lib.mkOption {
          type = types.lines;
          default = "";
          example = lib.literalExpression ''
            '''
              password = "''${config.sops.placeholder."db/password"}"
            '''
          '';
          description = ''
            Text of the template. Each `config.sops.placeholder.<secret>` in it is replaced by that secret when the secrets are installed;
            the store only ever sees the placeholder.
          '';
        };

        file = lib.mkOption {
          type = types.path;
          default = templateText.storeFile config;
          defaultText = lib.literalMD "a store file with `content`";
          example = lib.literalExpression "./service.conf.template";
          description = ''
            File that holds the text of the template. When it is set, `content` is ignored.
          '';
        };

        mode = lib.mkOption {
          type = types.singleLineStr;
          default = "0400";
          description = "Permissions of the rendered file, in octal.";
        };
      };
    };
in
{
  options.sops = {
    secrets = lib.mkOption {
      type = types.attrsOf (types.submodule secret);
      default = { };
      description = "The secrets to install, by name.";
    };

    templates = lib.mkOption {
      type = types.attrsOf (types.submodule template);
      default = { };
      description = "Files that contain secrets among other text, by name.";
    };

    placeholder = lib.mkOption {
      type = types.attrsOf types.coercibleToString;
      default = { };
      example = lib.literalExpression ''"password = ''${config.sops.placeholder."db/password"}"'';
      description = ''
        For each secret the token that stands for it in a template. Set by the module; read it, and leave it as it is.
      '';
    };
  };

  config.sops.placeholder = lib.mapAttrs (
    name: _: lib.mkDefault "<SOPS:${builtins.hashString "sha256" name}:PLACEHOLDER>"
  ) cfg.secrets;
}
