# crypttab opens a second disk with a secret. This must work whether a script or a unit installs the other secrets.
{ host, ... }:

way: {
  nodes.machine =
    { config, pkgs, ... }:
    {
      imports = [
        host
        way
      ];
      # The disk, which is encrypted in the first boot and opened in the second.
      virtualisation.emptyDiskImages = [ 64 ];
      environment.systemPackages = [ pkgs.cryptsetup ];
      environment.etc.crypttab.text = ''
        data /dev/vdb ${config.sops.secrets.my-password.path} luks,nofail,headless=true
      '';
      # A test with these settings ignores `fileSystems`.
      virtualisation.fileSystems."/data" = {
        device = "/dev/mapper/data";
        fsType = "ext4";
        options = [ "nofail" ];
      };
      sops.age.keyFile = "/test-keys/age.txt";
      sops.secrets = {
        my-password.neededForFileSystems = true;
        "db/password" = { };
      };
    };

  testScript = ''
    machine.wait_for_unit("multi-user.target")

    with subtest("the disk is encrypted with the secret"):
        key = "/run/secrets-for-file-systems/my-password"
        machine.succeed(f"cryptsetup luksFormat --batch-mode --pbkdf pbkdf2 /dev/vdb {key}")
        machine.succeed(f"cryptsetup open --key-file {key} /dev/vdb data && mkfs.ext4 /dev/mapper/data && cryptsetup close data")

    with subtest("the next boot opens and mounts it"):
        machine.shutdown()
        machine.start()
        machine.wait_for_unit("multi-user.target")
        machine.wait_for_unit("data.mount")
        t.assertEqual(machine.succeed("findmnt -n -o SOURCE /data").strip(), "/dev/mapper/data")
        t.assertEqual(machine.succeed("cat /run/secrets/db/password"), "correct horse")
        machine.fail("journalctl -b | grep -q 'ordering cycle'")

    with subtest("a restart of the unit leaves it mounted"):
        machine.succeed("systemctl restart sops-nix-for-file-systems")
        machine.succeed("findmnt /data")
  '';
}
