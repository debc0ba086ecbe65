# Old generations beyond `keepGenerations` are removed. When the last secret is removed from the configuration, everything is.
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
        keepGenerations = 2;
        secrets."db/password" = { };
        secrets.wifi.path = "/etc/wifi";
      };
      specialisation.without.configuration.sops.secrets = lib.mkForce { };
    };

  testScript = ''
    machine.wait_for_unit("multi-user.target")

    with subtest("the live generation and one before it are kept"):
        for number in range(3):
            machine.succeed("systemctl restart sops-nix")
        generations = machine.succeed("ls /run/secrets.d").split()
        t.assertLessEqual(len([name for name in generations if name.isdigit()]), 2)
        machine.succeed("test -s /run/secrets/db/password")

    with subtest("nothing is left of the last secret"):
        machine.succeed("test -L /etc/wifi")
        machine.succeed("/run/current-system/specialisation/without/bin/switch-to-configuration test")
        machine.fail("test -e /run/secrets/db/password")
        machine.fail("test -L /etc/wifi")
  '';
}
