# A host with an OpenPGP key in a GnuPG home, which is put there after the first boot.
{ host, pkgs, ... }:

way: {
  nodes.machine = {
    imports = [
      host
      way
    ];
    environment.systemPackages = [ pkgs.gnupg ];
    sops = {
      gnupg.home = "/root/.gnupg";
      gnupg.sshKeyPaths = [ ];
      secrets.text = {
        key = "";
        sopsFile = ../../tests/fixtures/3.13.2/to-pgp.yaml;
      };
    };
  };

  testScript = ''
    machine.wait_for_unit("multi-user.target")

    with subtest("without the key the failure is visible"):
        machine.succeed("systemctl is-failed sops-nix")

    with subtest("with the key a restart installs"):
        machine.succeed("mkdir -m 0700 -p /root/.gnupg && gpg --batch --import /test-keys/pgp.asc")
        machine.succeed("systemctl restart sops-nix")
        machine.succeed("cmp /run/secrets/text ${../../tests/fixtures/3.13.2/to-pgp.yaml.decrypted}")

    with subtest("and so does the next boot"):
        machine.shutdown()
        machine.start()
        machine.wait_for_unit("multi-user.target")
        machine.succeed("systemctl is-active sops-nix")
  '';
}
