# A host whose only key is its SSH host key, as the module takes it from services.openssh.
{ host, ... }:

way: {
  nodes.machine = {
    imports = [
      host
      way
    ];
    services.openssh.enable = true;
    services.openssh.hostKeys = [
      {
        type = "ed25519";
        path = "/test-keys/ssh_ed25519";
      }
    ];
    sops.secrets.text = {
      format = "yaml";
      key = "";
      sopsFile = ../../tests/fixtures/3.13.2/to-converted-ssh.yaml;
    };
  };

  testScript = ''
    machine.wait_for_unit("multi-user.target")

    with subtest("the secret is there"):
        machine.succeed("cmp /run/secrets/text ${../../tests/fixtures/3.13.2/to-converted-ssh.yaml.decrypted}")

    with subtest("the journal names the age recipient of the host key"):
        machine.succeed("journalctl -b -u sops-nix | grep -q 'Imported /test-keys/ssh_ed25519 as age key with fingerprint age1'")
  '';
}
