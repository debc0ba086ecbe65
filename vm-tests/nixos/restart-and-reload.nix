# A switch to a generation with another secret restarts and reloads the units that use it, each once, and only those.
{ host, ... }:

way: {
  nodes.machine =
    { lib, ... }:
    {
      imports = [
        host
        way
      ];
      sops = {
        age.keyFile = "/test-keys/age.txt";
        defaultSopsFile = ../../tests/nix/files/staging.yaml;
        secrets."db/password" = {
          restartUnits = [ "restarted.service" ];
          reloadUnits = [ "reloaded.service" ];
        };
      };
      systemd.services = {
        restarted = {
          wantedBy = [ "multi-user.target" ];
          serviceConfig.Type = "oneshot";
          serviceConfig.RemainAfterExit = true;
          script = "cat /run/secrets/db/password >> /tmp/restarted; echo >> /tmp/restarted";
        };
        reloaded = {
          wantedBy = [ "multi-user.target" ];
          serviceConfig.Type = "oneshot";
          serviceConfig.RemainAfterExit = true;
          script = "true";
          reload = "cat /run/secrets/db/password >> /tmp/reloaded; echo >> /tmp/reloaded";
        };
        bystander = {
          wantedBy = [ "multi-user.target" ];
          serviceConfig.Type = "oneshot";
          serviceConfig.RemainAfterExit = true;
          script = "echo started >> /tmp/bystander";
        };
      };
      specialisation.production.configuration.sops.defaultSopsFile =
        lib.mkForce ../../tests/nix/files/production.yaml;
    };

  testScript = ''
    machine.wait_for_unit("multi-user.target")

    with subtest("the first boot asks for nothing"):
        t.assertEqual(machine.succeed("cat /tmp/restarted"), "of staging\n")
        machine.fail("test -e /tmp/reloaded")

    switch = "/run/current-system/specialisation/production/bin/switch-to-configuration test"

    with subtest("a changed secret restarts and reloads"):
        machine.succeed(switch)
        machine.wait_until_succeeds("grep -q 'of production' /tmp/restarted")
        machine.wait_until_succeeds("grep -q 'of production' /tmp/reloaded")
        t.assertEqual(machine.succeed("cat /tmp/restarted"), "of staging\nof production\n")
        t.assertEqual(machine.succeed("cat /tmp/reloaded"), "of production\n")

    with subtest("nothing else is restarted"):
        t.assertEqual(machine.succeed("cat /tmp/bystander"), "started\n")

    with subtest("the same switch once more changes nothing"):
        machine.succeed("/run/current-system/bin/switch-to-configuration test")
        t.assertEqual(machine.succeed("cat /tmp/restarted"), "of staging\nof production\n")
  '';
}
