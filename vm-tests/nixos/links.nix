# Symlinks to secrets at other paths: in the directory of the secrets itself, in /etc, and in a home. New directories in the home
# belong to its owner.
{ host, ... }:

way: {
  nodes.machine =
    { lib, ... }:
    {
      imports = [
        host
        way
      ];
      users.users.carol = {
        isNormalUser = true;
        home = "/home/carol";
      };
      sops = {
        age.keyFile = "/test-keys/age.txt";
        secrets = {
          deepseek_api_key.path = "/run/secrets/deepseek-api-key";
          wifi.path = "/etc/network/wifi";
          ssh_key = {
            owner = "carol";
            mode = "0600";
            path = "/home/carol/.ssh/id_ed25519";
          };
          # The directory above this path does not exist yet.
          shared.path = "/data/deep/shared";
        };
      };
      specialisation.fewer.configuration.sops.secrets = lib.mkForce {
        deepseek_api_key.path = "/run/secrets/deepseek-api-key";
      };
    };

  testScript = ''
    machine.wait_for_unit("multi-user.target")

    with subtest("each link leads to its secret"):
        t.assertEqual(machine.succeed("cat /run/secrets/deepseek-api-key"), "sk-deepseek")
        t.assertEqual(machine.succeed("readlink /etc/network/wifi").strip(), "/run/secrets/wifi")
        t.assertEqual(machine.succeed("cat /data/deep/shared"), "one value for many")

    with subtest("the link and its new directories belong to the home's owner"):
        machine.succeed("systemctl restart sops-nix")
        t.assertEqual(machine.succeed("stat -c %U /home/carol/.ssh/id_ed25519").strip(), "carol")
        machine.succeed("su carol -c 'cat ~/.ssh/id_ed25519'")

    with subtest("a link inside the directory of the secrets survives"):
        t.assertEqual(machine.succeed("cat /run/secrets/deepseek-api-key"), "sk-deepseek")

    with subtest("links of removed secrets go, and one where the unit may not write any more is named with its remedy"):
        machine.succeed("/run/current-system/specialisation/fewer/bin/switch-to-configuration test")
        for link in ["/etc/network/wifi", "/home/carol/.ssh/id_ed25519"]:
            machine.fail(f"test -L {link}")
        # A script may write everywhere, and a unit only where paths are usual.
        machine.succeed(
            "test ! -L /data/deep/shared || journalctl -u sops-nix | grep -F 'to remove it, run: rm /data/deep/shared'"
        )
        t.assertEqual(machine.succeed("cat /run/secrets/deepseek-api-key"), "sk-deepseek")
  '';
}
