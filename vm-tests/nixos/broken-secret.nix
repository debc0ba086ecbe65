# One secret is encrypted to another recipient. At boot, all other secrets are installed, and the failure is visible. On the running
# system, a failure changes nothing.
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
        "db/password" = { };
        locked = {
          key = "";
          sopsFile = ../../tests/fixtures/3.13.2/to-other.yaml;
        };
      };
    };
  };

  testScript = ''
    machine.wait_for_unit("multi-user.target")

    with subtest("the others are there"):
        t.assertEqual(machine.succeed("cat /run/secrets/db/password"), "correct horse")
        machine.fail("test -e /run/secrets/locked")

    with subtest("the failure is visible and explained"):
        machine.succeed("systemctl is-failed sops-nix")
        machine.succeed("journalctl -b -u sops-nix | grep -q 'cannot decrypt'")
        machine.succeed("journalctl -b -u sops-nix | grep -q 'sops updatekeys'")

    with subtest("a failure on the running system changes nothing"):
        before = machine.succeed("readlink /run/secrets")
        machine.fail("systemctl restart sops-nix")
        t.assertEqual(machine.succeed("readlink /run/secrets"), before)
        t.assertEqual(machine.succeed("cat /run/secrets/db/password"), "correct horse")
  '';
}
