# The options that the NixOS module and the home-manager module have in common. The NixOS module adds owners, units and `neededForUsers`, the
# home-manager module the user's directories.
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
    ./env-files.nix
    ./unused-secrets.nix
    ./key-options.nix
    ./key-service-options.nix
  ];

  options.sops = {
    enable = lib.mkOption {
      type = types.bool;
      default = true;
      description = ''
        Whether secrets are installed. If this is off, nothing is installed, no key is asked for, and secrets that are there are removed. All
        paths keep their values, and units that wait for `sops-nix.service` start: without their secrets, which whatever reads them has to bear.
      '';
    };

    mock = lib.mkOption {
      type = types.bool;
      description = ''
        Whether dummies are installed in the place of all secrets, for a virtual machine or a test that has no key. Each secret is its `mockValue` or, without
        one, a text that begins with `MOCK-`; a whole file is a document of its format that contains this text. Templates, paths, owners, modes and units are
        as without it. No key is used, no sops file has to be there, and `sops.environment`, `sops.after`, `sops.preInstall` and `sops.postInstall` count for
        nothing. The file `.MOCK` beside the secrets says that they are dummies. So do a warning in each run and `sops-nix status`.
      '';
    };

    defaultSopsFile = lib.mkOption {
      type = types.path;
      example = lib.literalExpression "./secrets.yaml";
      description = "The sops file of every secret that does not set `sopsFile`.";
    };

    defaultSopsFormat = lib.mkOption {
      type = types.format;
      default = "yaml";
      description = "The format of the sops file of every secret that does not set `format`.";
    };

    defaultSopsKey = lib.mkOption {
      type = types.nullOr types.str;
      default = null;
      description = ''
        The key of every secret that does not set `key`; `""` means the whole file. With `null` the key is the secret's attribute name.
      '';
    };

    validateSopsFiles = lib.mkOption {
      type = types.bool;
      default = true;
      description = ''
        Whether the build checks that every sops file can be read and has the `key` of each of its secrets. This needs no private key, but
        the files must be in the Nix store. If a file is elsewhere, set this to `false`.
      '';
    };

    hostRecipients = lib.mkOption {
      type = types.listOf (types.either types.path types.str);
      default = [ ];
      example = lib.literalExpression ''[ "age1…" "ssh-ed25519 AAAA…" ./keys/web.pub ]'';
      description = ''
        The public keys whose private keys this host has: age recipients, SSH public keys, fingerprints of OpenPGP keys, or files of them; and the
        keys of key services that it may use, as `.sops.yaml` names them. If this is set, the build refuses a sops file that this host could not open, and says who could. `sops-nix keys --nix` prints the list on
        the host. It needs `sops.validateSopsFiles`.
      '';
    };

    warnAge = lib.mkOption {
      type = types.nullOr (types.ints.between 1 36500);
      default = null;
      example = 365;
      description = ''
        After how many days without a change a sops file causes a warning, so that its secrets are replaced by new ones in time. The time is the `lastmodified`
        of the file, which sops writes. Each run warns, and `sops-nix doctor`. At most 36500, which is 100 years.
      '';
    };

    keepGenerations = lib.mkOption {
      type = types.ints.unsigned;
      default = 1;
      description = ''
        How many generations of secrets to keep, the live one included. `0` keeps them all.
        Only a run that changes a secret makes a generation. So a secret that was removed or replaced stays in an older generation
        until enough later changes follow. Generations share the files that do not change.
        `sops-nix rollback` makes the one before the live one live again.
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
        What to print: `keyImport` prints a line for each SSH key that is used as an age key, and `secretChanges` prints lines about the
        secrets that were added, modified or removed.
      '';
    };

    maxSize = lib.mkOption {
      type = types.ints.between 1 1048576;
      default = 256;
      example = 1024;
      description = ''
        The largest size in MiB, for each of these: one sops file, all secrets together, all rendered templates together. What is larger is
        an error, because secrets are kept in memory that the system cannot get back. At most 1048576, which is 1 TiB. The units that install
        the secrets may use eight times this much memory.
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
        Environment variables of the program that installs the secrets. Each value is put between single quotes in a shell script and is not
        escaped any further. So a value may close the quotes and use command substitution, as the example does. For a single quote that
        belongs to the value, write `'\'''`.
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
      description = "The package that checks the manifest during the build. It must run on the machine that builds.";
    };
  };
}
