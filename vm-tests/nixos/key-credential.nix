# Hosts whose key is a systemd credential: one that the hypervisor passes to the machine, and one that is bound to its TPM.
{ host, ... }:

{
  from-the-hypervisor = {
    nodes.machine =
      { config, ... }:
      {
        imports = [ host ];
        services.userborn.enable = true;
        virtualisation.credentials.sops-age-key.source = "${../../tests/fixtures/keys/age.txt}";
        users.users.alice.hashedPasswordFile = config.sops.secrets.my-password.path;
        sops = {
          age.keyCredential = "sops-age-key";
          secrets."db/password" = { };
          secrets.my-password.neededForUsers = true;
        };
      };

    testScript = ''
      machine.wait_for_unit("multi-user.target")

      with subtest("both units have installed"):
          t.assertEqual(machine.succeed("cat /run/secrets/db/password"), "correct horse")
          t.assertEqual(
              machine.succeed("getent shadow alice | cut -d: -f2").strip(), machine.succeed("cat /run/secrets-for-users/my-password").strip()
          )
    '';
  };

  bound-to-the-tpm = {
    nodes.machine = {
      imports = [ host ];
      boot.initrd.systemd.enable = true;
      virtualisation.tpm.enable = true;
      sops = {
        age.keyCredential = "sops-age-key";
        secrets."db/password" = { };
      };
    };

    testScript = ''
      machine.wait_for_unit("multi-user.target")

      with subtest("without the credential the failure is visible, and names it"):
          machine.succeed("systemctl is-failed sops-nix")
          machine.succeed("journalctl -b -u sops-nix | grep -q sops-age-key")

      with subtest("with the credential a restart installs"):
          machine.succeed("mkdir -m 0700 /etc/credstore.encrypted")
          machine.succeed("systemd-creds encrypt --with-key=tpm2 --name=sops-age-key /test-keys/age.txt /etc/credstore.encrypted/sops-age-key")
          machine.succeed("systemctl restart sops-nix")
          t.assertEqual(machine.succeed("cat /run/secrets/db/password"), "correct horse")

      with subtest("and so does the next boot"):
          machine.shutdown()
          machine.start()
          machine.wait_for_unit("multi-user.target")
          t.assertEqual(machine.succeed("cat /run/secrets/db/password"), "correct horse")
          machine.succeed("systemctl is-active sops-nix")
    '';
  };
}
