# The options that say which keys open the sops files.
{ lib, pkgs, ... }:

let
  types = lib.types // import ./types.nix { inherit lib; };
in
{
  options.sops = {
    keyTimeout = lib.mkOption {
      type = types.ints.between 1 86400;
      default = 30;
      example = 120;
      description = ''
        How many seconds gpg, an age plugin or a command that prints a key may take for one answer. A program that takes longer is ended, and
        its key counts as one that does not open the file. At most 86400, which is a day.
      '';
    };

    age = {
      keyFile = lib.mkOption {
        type = types.nullOr types.pathNotInStore;
        default = null;
        example = "/var/lib/sops-nix/key.txt";
        description = "File with the age identities (private keys) that open the sops files.";
      };

      keyCredential = lib.mkOption {
        type = types.nullOr types.credentialName;
        default = null;
        example = "sops-age-key";
        description = ''
          Name of a [systemd credential](https://systemd.io/CREDENTIALS) with the age identities that open the sops files. systemd looks for it in
          these places, in this order:

          - the credentials that the hypervisor, the container manager or the boot loader passed to the machine
          - `/etc/credstore` and `/run/credstore`
          - `/etc/credstore.encrypted` and `/run/credstore.encrypted`, for credentials that `systemd-creds encrypt` made, which can be bound to
            the TPM of the machine

          A user manager looks in `~/.config/credstore` and `~/.config/credstore.encrypted` instead. Only the unit that installs the secrets gets
          the credential; an activation script does not.
        '';
      };

      generateKey = lib.mkOption {
        type = types.bool;
        default = false;
        description = ''
          Whether to generate a key in `sops.age.keyFile` if that file does not exist or is empty. An existing key is never replaced. The public key
          is printed: add it to `.sops.yaml`, and run `sops updatekeys` in the directory of `.sops.yaml`.
        '';
      };

      sshKeyPaths = lib.mkOption {
        type = types.listOf types.path;
        description = ''
          SSH private keys of type ed25519 that open the sops files. Each is used as an age identity.
        '';
      };

      plugins = lib.mkOption {
        type = types.listOf types.package;
        default = [ ];
        example = lib.literalExpression "[ pkgs.age-plugin-yubikey ]";
        description = "Packages with age plugins. They come first in the `PATH` of the program that installs the secrets.";
      };
    };

    gnupg = {
      home = lib.mkOption {
        type = types.nullOr types.str;
        default = null;
        example = "/root/.gnupg";
        description = ''
          GnuPG home with the keys that open the sops files. It cannot be set together with `sops.gnupg.sshKeyPaths`.
        '';
      };

      sshKeyPaths = lib.mkOption {
        type = types.listOf types.path;
        description = ''
          SSH private keys of type RSA that open the sops files. Each is used as an OpenPGP key. They cannot be set together with `sops.gnupg.home`.
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
}
