# A host with an age key, and with a secret in each format, boots. Before any service starts, the secrets have their content, mode
# and owner, and are on a file system that cannot be swapped out.
{ host, ... }:

way: {
  nodes.machine = {
    imports = [
      host
      way
    ];
    sops = {
      age.keyFile = "/test-keys/age.txt";
      secrets = {
        "db/password" = {
          owner = "alice";
          mode = "0440";
        };
        numbers = {
          key = "port";
          uid = 4001;
          gid = 4002;
        };
        token = {
          format = "json";
          sopsFile = ../../tests/nix/files/config.json;
        };
        keytab = {
          format = "binary";
          sopsFile = ../../tests/nix/files/keytab.bin;
        };
        env = {
          format = "dotenv";
          sopsFile = ../../tests/nix/files/app.env;
        };
        mail = {
          format = "ini";
          sopsFile = ../../tests/nix/files/settings.ini;
        };
      };
    };
    systemd.services.early-bird = {
      wantedBy = [ "multi-user.target" ];
      serviceConfig.Type = "oneshot";
      script = "cat /run/secrets/db/password > /tmp/seen-at-boot";
    };
  };

  testScript = ''
    machine.wait_for_unit("multi-user.target")

    def stat(path):
        return machine.succeed(f"stat -L -c '%a %U:%G' {path}").strip()

    with subtest("content"):
        t.assertEqual(machine.succeed("cat /run/secrets/db/password"), "correct horse")
        t.assertEqual(machine.succeed("cat /run/secrets/numbers"), "8080")
        t.assertEqual(machine.succeed("cat /run/secrets/token"), "t")
        machine.succeed("grep -q 'from dotenv' /run/secrets/env")
        machine.succeed("grep -q 'from INI' /run/secrets/mail")
        t.assertEqual(machine.succeed("stat -L -c %s /run/secrets/keytab").strip(), "8")

    with subtest("owners and modes"):
        t.assertEqual(stat("/run/secrets/db/password"), "440 alice:users")
        t.assertEqual(stat("/run/secrets/token"), "400 root:root")
        t.assertEqual(machine.succeed("stat -L -c '%u:%g' /run/secrets/numbers").strip(), "4001:4002")

    with subtest("file system"):
        t.assertEqual(machine.succeed("findmnt -n -o FSTYPE /run/secrets.d").strip(), "ramfs")
        for flag in ["nodev", "nosuid", "noexec"]:
            machine.succeed(f"findmnt -n -o OPTIONS /run/secrets.d | grep -qw {flag}")
        t.assertEqual(stat("/run/secrets.d"), "751 root:keys")

    with subtest("a service of the boot sees the secrets"):
        t.assertEqual(machine.succeed("cat /tmp/seen-at-boot"), "correct horse")

    with subtest("state and messages of the unit"):
        machine.succeed("systemctl is-active sops-nix")
        machine.succeed("systemctl status sops-nix")
        machine.succeed("systemctl status sops-install-secrets")
        machine.succeed("journalctl -b -u sops-nix | grep -q 'adding secrets: db/password'")
  '';
}
