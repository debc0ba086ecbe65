# sops-nix's own module, with the program of this project in `sops.package`. The program must work with the manifest of that module.
{
  sops-install-secrets,
  # The source of sops-nix.
  sopsNix,
}:

{
  nodes.machine =
    { config, ... }:
    {
      imports = [ (sopsNix + "/modules/sops") ];
      virtualisation.sharedDirectories.test-keys = {
        source = "${../../tests/fixtures/keys}";
        target = "/test-keys";
      };
      users.users.alice = {
        isNormalUser = true;
        hashedPasswordFile = config.sops.secrets.my-password.path;
      };
      sops = {
        package = sops-install-secrets;
        defaultSopsFile = ../../tests/nix/files/secrets.yaml;
        age.keyFile = "/test-keys/age.txt";
        secrets."db/password".owner = "alice";
        secrets.my-password.neededForUsers = true;
        templates."app.conf".content = "password = ${config.sops.placeholder."db/password"}";
      };
    };

  testScript = ''
    machine.wait_for_unit("multi-user.target")

    with subtest("secrets, early secrets and templates are there"):
        t.assertEqual(machine.succeed("cat /run/secrets/db/password"), "correct horse")
        t.assertEqual(machine.succeed("stat -L -c %U /run/secrets/db/password").strip(), "alice")
        t.assertEqual(machine.succeed("cat /run/secrets/rendered/app.conf"), "password = correct horse")
        t.assertEqual(
            machine.succeed("getent shadow alice | cut -d: -f2").strip(), machine.succeed("cat /run/secrets-for-users/my-password").strip()
        )
  '';
}
