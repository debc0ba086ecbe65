# A dry activation reports how a switch would change secrets and units, and changes nothing. If a script installs the secrets, the
# script itself reports this. If a unit installs them, the check before a switch reports it.
{ host, ... }:

let
  machine =
    useSystemdActivation:
    { lib, ... }:
    {
      imports = [ host ];
      sops = {
        inherit useSystemdActivation;
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
in
{
  nodes.by_script = machine false;
  nodes.by_unit = machine true;

  testScript = ''
    for machine in by_script, by_unit:
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
