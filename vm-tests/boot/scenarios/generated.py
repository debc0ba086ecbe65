"""A host that makes its own key at the first boot."""

import base64

import payload as payloads
from payload import value

KEY_FILE = "/var/lib/sops-nix/key.txt"


def tell(lab):
    text = lab.secret(value("generated"))
    payload = lab.payload("generated-key-by-unit")
    # Nobody can have encrypted to a key that does not exist yet.
    file = payload.encrypt("secrets.yaml", {"a": text}, payloads.OTHER_RECIPIENT)
    payload.manifest("manifest.json", [payload.secret("a", file)], ageKeyFile=KEY_FILE)
    payload.early_manifest([payload.secret("early", file, key="a")], ageKeyFile=KEY_FILE)
    machine = lab.machine()
    machine.start(payload.archive())

    with lab.scenario("4a", "first boot makes a key, says which recipient to add, and goes on"):
        machine.wait_for_shell()
        machine.run("systemctl is-system-running --wait")
        key = machine.succeed(f"stat -c '%a %U:%G' {KEY_FILE} && cat {KEY_FILE}").splitlines()
        assert key[0] == "600 root:root", key[0]
        private_key = lab.secret(key[-1])
        assert private_key.startswith("AGE-SECRET-KEY-1")
        recipient = key[2].removeprefix("# public key: ")
        for unit in ["sops-nix-for-users.service", "sops-nix.service"]:
            said = machine.journal(f"-o cat -u {unit}")
            assert f"add {recipient} to .sops.yaml, and in the directory of .sops.yaml run: sops updatekeys {file}" in said, said
            assert "systemd-journald.service" in machine.property(unit, "After"), "its messages may be in no unit's log"
        assert machine.succeed("systemctl --failed --plain --no-legend | cut -d' ' -f1").splitlines() == [
            "sops-nix-for-users.service", "sops-nix.service"]

    with lab.scenario("4b", "with its recipient added the secrets come, by a restart and at the second boot, by the same key"):
        payloads.encrypt(lab.directory / "secrets.yaml", {"a": text}, recipient)
        new = base64.b64encode((lab.directory / "secrets.yaml").read_bytes()).decode()
        machine.succeed(f"echo {new} | base64 -d > {file} && systemctl restart sops-nix-for-users sops-nix")
        assert machine.succeed("cat /run/secrets/a") == text
        machine.shut_down()
        machine.start()
        machine.wait_for_shell()
        machine.succeed("systemctl is-system-running --wait")
        assert machine.succeed(f"tail -n 1 {KEY_FILE}") == private_key
        assert machine.succeed("cat /run/secrets/a /run/secrets-for-users/early") == text + text
        assert machine.property("sops-nix-generate-age-key.service", "ConditionResult") == "no"
        machine.shut_down()

    with lab.scenario("13c", "no plaintext and no key in journal, console and disk, but for the key file (generated key)"):
        lab.search_for_leaks(machine, {private_key: 1})
