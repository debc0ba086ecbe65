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

    keyTimeout = lib.mkOption {
      type = types.ints.positive;
      default = 30;
      example = 120;
      description = ''
        Seconds that gpg, an age plugin or a command that prints a key may take for one answer. What takes longer is ended, and its key counts as one that does not open the file.
      '';
    };

    maxSize = lib.mkOption {
      type = types.ints.positive;
      default = 256;
      example = 1024;
      description = ''
        MiB that one sops file may have, all secrets together, and all rendered templates together: they lie in memory that the system cannot get back.
        What is larger fails, and says so. The memory of the installer's units is bounded by eight times that.
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

    age = {
      keyFile = lib.mkOption {
        type = types.nullOr types.pathNotInStore;
        default = null;
        example = "/var/lib/sops-nix/key.txt";
        description = "File with the age identities that open the sops files.";
      };

      keyCredential = lib.mkOption {
        type = types.nullOr types.credentialName;
        default = null;
        example = "sops-age-key";
        description = ''
          Name of a [systemd credential](https://systemd.io/CREDENTIALS) with the age identities that open the sops files. systemd looks for it among the credentials that
          the hypervisor, the container manager or the boot loader passed to the machine, then in `/etc/credstore` and `/run/credstore`, then in `/etc/credstore.encrypted` and
          `/run/credstore.encrypted`, where `systemd-creds encrypt` may have bound it to the TPM of the machine. A user manager looks in `~/.config/credstore` and
          `~/.config/credstore.encrypted` instead. Only the unit that installs the secrets is given it, no activation script.
        '';
      };

      generateKey = lib.mkOption {
        type = types.bool;
        default = false;
        description = ''
          Whether to generate the file that `sops.age.keyFile` names when it does not exist, or is empty. A key that is there is never replaced. The public key is printed;
          add it to `.sops.yaml` and run `sops updatekeys` in its directory.
        '';
      };

      sshKeyPaths = lib.mkOption {
        type = types.listOf types.path;
        description = ''
          SSH private keys of type ed25519 that open the sops files as age identities.
        '';
      };

      plugins = lib.mkOption {
        type = types.listOf types.package;
        default = [ ];
        example = lib.literalExpression "[ pkgs.age-plugin-yubikey ]";
        description = "Packages with age plugins. They come first in the `PATH` of the installer.";
      };
    };

    gnupg = {
      home = lib.mkOption {
        type = types.nullOr types.str;
        default = null;
        example = "/root/.gnupg";
        description = ''
          GnuPG home whose keys open the sops files. Excludes `sops.gnupg.sshKeyPaths`.
        '';
      };

      sshKeyPaths = lib.mkOption {
        type = types.listOf types.path;
        description = ''
          SSH private keys of type RSA that open the sops files as OpenPGP keys. Excludes `sops.gnupg.home`.
        '';
      };

      package = lib.mkOption {
        type = types.package;
        default = pkgs.gnupg;
        defaultText = lib.literalExpression "pkgs.gnupg";
        description = "The GnuPG package whose gpg opens the sops files with the keys of `sops.gnupg.home`.";
      };
    };
  };

  config.sops.placeholder = lib.mapAttrs (
    name: _: lib.mkDefault "<SOPS:${builtins.hashString "sha256" name}:PLACEHOLDER>"
  ) cfg.secrets;
}
