# A dry activation says what a switch would do to secrets and units, and does nothing. Only activation scripts take part in one.
{ host, ... }:

{
  nodes.machine =
    { lib, ... }:
    {
      imports = [ host ];
      sops = {
        useSystemdActivation = false;
        age.keyFile = "/test-keys/age.txt";
        defaultSopsFile = ../../tests/nix/files/staging.yaml;
        secrets."db/password".restartUnits = [ "app.service" ];
      };
      systemd.services.app = {
        wantedBy = [ "multi-user.target" ];
        serviceConfig.Type = "oneshot";
        serviceConfig.RemainAfterExit = true;
        script = "true";
      };
      specialisation.production.configuration.sops.defaultSopsFile =
        lib.mkForce ../../tests/nix/files/production.yaml;
    };

  testScript = ''
    machine.wait_for_unit("multi-user.target")
    before = machine.succeed("find /run/secrets.d /run/secrets -printf '%p %i %T@\\n' | sort")

    with subtest("says what would happen"):
        out = machine.succeed("/run/current-system/specialisation/production/bin/switch-to-configuration dry-activate 2>&1")
        t.assertIn("would modify secret: db/password", out)
        t.assertIn("app.service", out)

    with subtest("changes nothing"):
        t.assertEqual(machine.succeed("find /run/secrets.d /run/secrets -printf '%p %i %T@\\n' | sort"), before)
        t.assertEqual(machine.succeed("cat /run/secrets/db/password"), "of staging")
  '';
}
