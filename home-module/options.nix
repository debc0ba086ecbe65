# The options that only home-manager has.
{
  config,
  lib,
  ...
}@arguments:

let
  cfg = config.sops;
  inherit (lib) types;

  units =
    what: example:
    lib.mkOption {
      type = types.listOf types.str;
      default = [ ];
      inherit example;
      description = "Units of the user's own manager to ${what} when the content or mode of the file changes, if that manager runs. A name without a type means a service.";
    };
  unitsToTell = {
    restartUnits = units "restart" [ "mbsync.service" ];
    reloadUnits = units "reload" [ "waybar.service" ];
  };

  watchFiles = import ../module-common/watch-files.nix { inherit lib; };
  watched =
    pattern: place:
    watchFiles.optionsOf {
      file = watchFiles.ofEntry watchFiles.ofUser place;
      pattern = "`${watchFiles.ofEntry watchFiles.ofUser pattern}`";
    };

  secret =
    { config, ... }:
    {
      options =
        unitsToTell
        // watched "<name>" config.name
        // {
          path = lib.mkOption {
            type = types.str;
            default = "${cfg.defaultSymlinkPath}/${config.name}";
            defaultText = lib.literalExpression ''"''${config.sops.defaultSymlinkPath}/<name>"'';
            example = "%r/context7/api-key";
            description = ''
              Where to find the secret. If you set another path than the default, a symlink to the secret or a copy of it is made there (`install`).
              `%r` stands for the run-time directory (`$XDG_RUNTIME_DIR`), `%%` for a percent sign.
            '';
          };
        };
    };

  template =
    { config, ... }:
    {
      options =
        unitsToTell
        // watched "rendered/<name>" "rendered/${config.name}"
        // {
          path = lib.mkOption {
            type = types.singleLineStr;
            default = "${cfg.defaultSymlinkPath}/rendered/${config.name}";
            defaultText = lib.literalExpression ''"''${config.sops.defaultSymlinkPath}/rendered/<name>"'';
            description = ''
              Where to find the rendered file. If you set another path than the default, a symlink to the file or a copy of it is made there (`install`).
              `%r` stands for the run-time directory (`$XDG_RUNTIME_DIR`), `%%` for a percent sign.
            '';
          };
        };
    };
in
{
  options.sops = {
    secrets = lib.mkOption { type = types.attrsOf (types.submodule secret); };
    templates = lib.mkOption { type = types.attrsOf (types.submodule template); };

    watch = watchFiles.optionOfPhases;

    defaultSymlinkPath = lib.mkOption {
      type = types.str;
      default = "${config.xdg.configHome}/sops-nix/secrets";
      defaultText = lib.literalExpression ''"''${config.xdg.configHome}/sops-nix/secrets"'';
      description = "Symlink to the live generation of secrets. `%r` and `%%` mean the same as in `path`.";
    };

    defaultSecretsMountPoint = lib.mkOption {
      type = types.str;
      default = "%r/secrets.d";
      description = "Directory of the generations of secrets. `%r` and `%%` mean the same as in `path`.";
    };

    mock = lib.mkOption {
      # Only home-manager as a NixOS module has this argument.
      default = arguments.osConfig.sops.mock or false;
      defaultText = lib.literalMD "`sops.mock` of the NixOS configuration that home-manager is part of, else `false`";
    };

    age.sshKeyPaths = lib.mkOption { default = [ ]; };

    gnupg = {
      sshKeyPaths = lib.mkOption { default = [ ]; };

      qubes-split-gpg = {
        enable = lib.mkOption {
          type = types.bool;
          default = false;
          description = ''
            Whether gpg runs in another qube, through [Split GPG](https://www.qubes-os.org/doc/split-gpg) of Qubes OS. It cannot be enabled together
            with `sops.gnupg.home` or `sops.gnupg.sshKeyPaths`.
          '';
        };

        domain = lib.mkOption {
          type = types.nullOr types.str;
          default = null;
          example = "vault-gpg";
          description = "The qube that holds the keys.";
        };
      };
    };
  };
}
