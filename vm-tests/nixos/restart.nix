# `systemctl restart sops-nix` installs again at once, without a rebuild, under both names of the unit.
{ host, ... }:

way: {
  nodes.machine = {
    imports = [
      host
      way
    ];
    sops = {
      age.keyFile = "/test-keys/age.txt";
      secrets."db/password" = { };
      # A file on the host, not in the store, so that it can change.
      secrets.token = {
        format = "json";
        sopsFile = "/var/lib/config.json";
      };
      validateSopsFiles = false;
    };
    systemd.services.follower = {
      after = [ "sops-nix.service" ];
      wants = [ "sops-nix.service" ];
      wantedBy = [ "multi-user.target" ];
      serviceConfig.Type = "oneshot";
      script = "cat /run/secrets/db/password > /tmp/seen";
    };
  };

  testScript = ''
    machine.wait_for_unit("multi-user.target")

    with subtest("what could not be opened is installed once it can"):
        machine.succeed("systemctl is-failed sops-nix")
        machine.succeed("cp ${../../tests/nix/files/config.json} /var/lib/config.json")
        machine.succeed("systemctl restart sops-nix")
        t.assertEqual(machine.succeed("cat /run/secrets/token"), "t")
        machine.succeed("systemctl is-active sops-nix")

    with subtest("under its other name as well"):
        machine.succeed("systemctl restart sops-install-secrets")
        machine.succeed("systemctl is-active sops-install-secrets")

    with subtest("the host sees what a confined unit has mounted"):
        machine.succeed("findmnt /run/secrets.d")

    with subtest("a unit may wait for it"):
        t.assertEqual(machine.succeed("cat /tmp/seen"), "correct horse")
  '';
}
