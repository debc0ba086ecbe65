# A host makes its own age key at the first boot. No file is encrypted to this key yet, and the error says what to do. Then a file
# is encrypted to the key, and a restart of the unit installs it.
{ host, pkgs, ... }:

way: {
  nodes.machine = {
    imports = [
      host
      way
    ];
    environment.systemPackages = [
      pkgs.age
      pkgs.sops
    ];
    sops = {
      age.keyFile = "/var/lib/sops-nix/key.txt";
      age.generateKey = true;
      validateSopsFiles = false;
      defaultSopsFile = "/var/lib/secrets.yaml";
      secrets.greeting = { };
    };
  };

  testScript = ''
    machine.wait_for_unit("multi-user.target")

    with subtest("the key is there, for root alone"):
        t.assertEqual(machine.succeed("stat -c '%a %U' /var/lib/sops-nix/key.txt").strip(), "600 root")

    with subtest("the failure is visible"):
        machine.succeed("systemctl is-failed sops-nix")
        machine.succeed("journalctl -b -u sops-nix | grep -q /var/lib/secrets.yaml")

    with subtest("a file for that key installs"):
        machine.succeed(
            "recipient=$(age-keygen -y /var/lib/sops-nix/key.txt) && "
            "echo 'greeting: hello' | sops encrypt --age $recipient --input-type yaml --output-type yaml"
            " --filename-override x.yaml /dev/stdin > /var/lib/secrets.yaml"
        )
        machine.succeed("systemctl restart sops-nix")
        t.assertEqual(machine.succeed("cat /run/secrets/greeting"), "hello")

    with subtest("the key survives a reboot"):
        before = machine.succeed("cat /var/lib/sops-nix/key.txt")
        machine.shutdown()
        machine.start()
        machine.wait_for_unit("multi-user.target")
        t.assertEqual(machine.succeed("cat /var/lib/sops-nix/key.txt"), before)
        t.assertEqual(machine.succeed("cat /run/secrets/greeting"), "hello")
  '';
}
