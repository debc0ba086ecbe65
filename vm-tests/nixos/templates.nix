# Templates with secrets: one is beside the secrets, one has a path of its own and is the environment file of a service, and one
# contains an early secret.
{ host, ... }:

way: {
  nodes.machine =
    { config, ... }:
    {
      imports = [
        host
        way
      ];
      # With this setting, a unit installs the early secret too.
      services.userborn.enable = config.sops.useSystemdActivation;
      sops = {
        age.keyFile = "/test-keys/age.txt";
        secrets."db/password" = { };
        secrets.my-password.neededForUsers = true;
        templates = {
          "app.toml" = {
            owner = "alice";
            mode = "0440";
            content = ''password = "${config.sops.placeholder."db/password"}"'';
          };
          "app.env" = {
            path = "/etc/app.env";
            content = "DB_PASSWORD=${config.sops.placeholder."db/password"}";
          };
          "passwords".content = config.sops.placeholder.my-password;
        };
      };
      systemd.services.app = {
        wantedBy = [ "multi-user.target" ];
        serviceConfig.Type = "oneshot";
        serviceConfig.EnvironmentFile = config.sops.templates."app.env".path;
        script = "echo \"$DB_PASSWORD\" > /tmp/seen";
      };
    };

  testScript = ''
    machine.wait_for_unit("multi-user.target")

    with subtest("rendered"):
        t.assertEqual(machine.succeed("cat /run/secrets/rendered/app.toml"), 'password = "correct horse"')
        t.assertEqual(machine.succeed("stat -L -c '%a %U' /run/secrets/rendered/app.toml").strip(), "440 alice")

    with subtest("at a place of its own"):
        t.assertEqual(machine.succeed("readlink /etc/app.env").strip(), "/run/secrets/rendered/app.env")
        t.assertEqual(machine.succeed("cat /tmp/seen"), "correct horse\n")

    with subtest("with an early secret"):
        t.assertEqual(machine.succeed("cat /run/secrets/rendered/passwords"), "$y$j9T$salt$hash")
  '';
}
