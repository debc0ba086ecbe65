# The paths of sops-nix that people import, used as people use them. The result says for each path whether it gives what it should.
{
  lib ? import ./find-lib.nix,
}:

let
  pkgs = import ./stand-ins/pkgs.nix { inherit lib; };

  # As in the configuration of an initial ramdisk that installs one secret at another place.
  manifestFor = pkgs.callPackage ../../modules/sops/manifest-for.nix {
    inherit lib;
    inherit (pkgs) writeTextFile;
    cfg = {
      validateSopsFiles = true;
      validationPackage = pkgs.hello;
      log = [ "keyImport" ];
      placeholder.a = "<SOPS:a:PLACEHOLDER>";
      keepGenerations = 2;
      useTmpfs = false;
      gnupg = {
        home = null;
        sshKeyPaths = [ /etc/ssh/ssh_host_rsa_key ];
      };
      age = {
        keyFile = "/etc/key.txt";
        sshKeyPaths = [ ];
      };
    };
  };
  a = {
    name = "a";
    key = "a";
    sopsFile = "/nix/store/a.yaml";
  };
  manifest = manifestFor "-initrd" { inherit a; } { } { secretsMountPoint = "/other.d"; };
  fields = builtins.fromJSON manifest.text;
in
{
  package =
    (pkgs.callPackage ../../pkgs/sops-install-secrets { vendorHash = null; }).name
    == "sops-install-secrets";
  default =
    (import ../.. {
      inherit pkgs;
      vendorHash = "sha256-…";
    }).sops-install-secrets.name == "sops-install-secrets";
  manifest-name = manifest.name == "manifest-initrd.json";
  manifest-secrets = fields.secrets == [ a ];
  # If an argument is given several times, the last one counts.
  manifest-place = fields.secretsMountPoint == "/other.d" && fields.symlinkPath == "/run/secrets";
  # A private key must not be copied to the store.
  manifest-keys = fields.sshKeyPaths == [ "/etc/ssh/ssh_host_rsa_key" ];
  manifest-logging =
    fields.logging == {
      keyImport = true;
      secretChanges = false;
    };
  manifest-check = lib.hasInfix "-check-mode=sopsfile" manifest.checkPhase;
}
