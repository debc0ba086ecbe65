# A user whose password hash is a secret can log in after the first boot, whatever creates the users.
{ host, lib, ... }:

let
  test = users: {
    nodes.machine =
      { config, ... }:
      {
        imports = [
          host
          users
        ];
        sops = {
          age.keyFile = "/test-keys/age.txt";
          secrets.my-password.neededForUsers = true;
          secrets."db/password".owner = "bob";
        };
        users.users.bob = {
          isSystemUser = true;
          group = "users";
          hashedPasswordFile = config.sops.secrets.my-password.path;
        };
      };

    testScript = ''
      machine.wait_for_unit("multi-user.target")

      with subtest("the early secret belongs to root alone"):
          t.assertEqual(machine.succeed("stat -L -c '%a %u:%g' /run/secrets-for-users/my-password").strip(), "400 0:0")
          t.assertEqual(machine.succeed("findmnt -n -o FSTYPE /run/secrets-for-users.d").strip(), "ramfs")

      with subtest("the user has that password"):
          t.assertEqual(
              machine.succeed("getent shadow bob | cut -d: -f2").strip(), machine.succeed("cat /run/secrets-for-users/my-password").strip()
          )

      with subtest("regular secrets know the user"):
          t.assertEqual(machine.succeed("stat -L -c %U /run/secrets/db/password").strip(), "bob")

      with subtest("no ordering cycle"):
          machine.fail("journalctl -b | grep -q 'ordering cycle'")

      with subtest("nor one at shutdown"):
          machine.shutdown()
          machine.start()
          machine.wait_for_unit("multi-user.target")
          # Make sure that there is a journal of that boot, so that the next line searches something.
          machine.succeed("journalctl -b -1 | grep -q sops-nix")
          machine.fail("journalctl -b -1 | grep -q 'ordering cycle'")
    '';
  };
in
lib.mapAttrs (_: test) {
  perl = { };
  sysusers = {
    systemd.sysusers.enable = true;
    system.etc.overlay.enable = true;
    boot.initrd.systemd.enable = true;
  };
  userborn.services.userborn.enable = true;
}
