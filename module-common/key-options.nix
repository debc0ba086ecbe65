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
        Seconds that gpg, an age plugin or a command that prints a key may take for one answer. What takes longer is ended, and its key counts as one that does not open the file.
        At most 86400, which is a day.
      '';
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
}
