# The options that the NixOS module and the home-manager module have in common. Each of the two adds what only it has:
# owners, units and early secrets there, the user's directories here.
{
  config,
  lib,
  pkgs,
  ...
}:

let
  cfg = config.sops;
  types = lib.types // import ./types.nix { inherit lib; };
in
{
  imports = [
    ./secret-options.nix
    ./key-options.nix
  ];

  options.sops = {
    defaultSopsFile = lib.mkOption {
      type = types.path;
      example = lib.literalExpression "./secrets.yaml";
      description = "The sops file of every secret that names none of its own.";
    };

    defaultSopsFormat = lib.mkOption {
      type = types.format;
      default = "yaml";
      description = "The format of every sops file whose secret names none of its own.";
    };

    defaultSopsKey = lib.mkOption {
      type = types.nullOr types.str;
      default = null;
      description = ''
        The key of every secret that names none of its own; `""` means the whole file. With `null` it is the secret's name.
      '';
    };

    validateSopsFiles = lib.mkOption {
      type = types.bool;
      default = true;
      description = ''
        Whether the build opens every sops file and checks that it has the keys that the secrets name. No private key is needed for that,
        but the files have to be in the Nix store: with a file elsewhere, set this to `false`.
      '';
    };

    keepGenerations = lib.mkOption {
      type = types.ints.unsigned;
      default = 1;
      description = ''
        Number of generations of secrets to keep, the live one included. `0` keeps them all.
      '';
    };

    log = lib.mkOption {
      type = types.listOf (
        types.enum [
          "keyImport"
          "secretChanges"
        ]
      );
      default = [
        "keyImport"
        "secretChanges"
      ];
      description = ''
        What to report: `keyImport` is a line for each SSH key that is used as an age key, `secretChanges` a line for the secrets added, modified and removed.
      '';
    };

    maxSize = lib.mkOption {
      type = types.ints.between 1 1048576;
      default = 256;
      example = 1024;
      description = ''
        MiB that one sops file may have, all secrets together, and all rendered templates together: they lie in memory that the system cannot get back.
        What is larger fails, and says so. At most 1048576, which is a TiB. The memory of the installer's units is bounded by eight times that.
      '';
    };

    environment = lib.mkOption {
      type = types.attrsOf (types.either types.str types.path);
      default = { };
      example = lib.literalExpression ''
        {
          AWS_REGION = "eu-central-1";
          VAULT_TOKEN = "'\"$(cat /run/keys/vault-token)\"'";
        }
      '';
      description = ''
        Environment variables of the installer. Each value is put between single quotes in a shell script and not escaped any further,
        so that a value may close the quotes and use command substitution; quote an arbitrary string with `lib.escapeShellArg`.
      '';
    };

    package = lib.mkOption {
      type = types.package;
      default = pkgs.callPackage ../nix/package.nix { };
      defaultText = lib.literalMD "`sops-install-secrets` of this project, built with your `pkgs`";
      description = "The package that provides `bin/sops-install-secrets`.";
    };

    validationPackage = lib.mkOption {
      type = types.package;
      default =
        if pkgs.stdenv.buildPlatform == pkgs.stdenv.hostPlatform then
          cfg.package
        else
          pkgs.pkgsBuildHost.callPackage ../nix/package.nix { };
      defaultText = lib.literalMD "`sops.package`, or one for the building machine when cross-compiling";
      description = "The package that checks the manifest during the build. It has to run on the machine that builds.";
    };
  };
}
