"""A host that gets its key only during its first boot: quiet in that boot, and in no other. Each boot has a new root, and the same /nix."""

import shutil

from configuration import prepare
from payload import value

ONESHOT = "[Service]\nType=oneshot\nRemainAfterExit=true\nExecStart=/bin/true\n"
KEY = "/var/lib/sops-nix/key.txt"
# What NixOS does before it starts systemd.
INIT = "#!/bin/bash\nln -sfn /nix/store/1 /run/current-system\nexec /lib/systemd/systemd\n"
SAID = f"no secret was installed in the first boot of this host, because it had no key: {KEY} was not there"


def tell(lab):
    text = lab.secret(value("db"))
    payload = lab.payload("no-key-at-first-boot")
    prepare(payload)
    payload.with_command()
    payload.manifest("manifest.json", [payload.secret("db", payload.encrypt("secrets.yaml", {"db": text}))], ageKeyFile=KEY)
    payload.early_manifest([])
    payload.service("needs-all", "Wants=sops-nix.target\nRequisite=sops-nix.target\nAfter=sops-nix.target\n" + ONESHOT)
    payload.service("requires", "Requires=sops-nix.service\nAfter=sops-nix.service\n" + ONESHOT)
    payload.service("ordinary", "After=sops-nix.service\n" + ONESHOT)
    payload.write("test/init", INIT, 0o755)
    nix = installed(lab.directory / "nix")

    machine = boot(lab, payload, "first", nix)
    with lab.scenario("26a", "the first boot, without a key: nothing of ours has failed, what needs the secrets does not start, and it is said how to go on"):
        machine.wait_for_shell()
        states(machine, {"sops-nix": "inactive", "sops-nix.target": "inactive", "needs-all": "inactive", "requires": "inactive", "ordinary": "active"})
        assert failed(machine) == [], failed(machine)
        assert machine.property("sops-nix", "AssertResult") == "no"
        assert SAID in machine.journal("-o cat -u sops-nix-key-check")
        for command, begin in [("status", f"no-key-yet\tsystem\t\t{SAID}\tmake a key, "), ("retry", f'error: the phase "system": {SAID}; make a key, ')]:
            code, said = machine.run(f"/test/sops-nix {command}")
            assert code == 1 and begin in said, said
        # The unit looks when the installer would.
        after = {unit: set(machine.property(unit, "After").split()) for unit in ["sops-nix", "sops-nix-key-check"]}
        assert after["sops-nix"] - after["sops-nix-key-check"] == {"sops-nix-key-check.service"}, after
        shutil.copytree(nix, lab.directory / "kept", symlinks=True)

    with lab.scenario("26b", "the key is made in the first boot: retry installs the secrets, and starts what waited; a key that is lost then is a failure"):
        machine.succeed(f"mkdir -p /var/lib/sops-nix && cp /test/age.txt {KEY}")
        tried = machine.succeed("/test/sops-nix retry")
        assert "installed\tsystem\t\tsops-nix.service" in tried.splitlines(), tried
        machine.wait_until("[ -z \"$(systemctl list-jobs --no-legend)\" ]")
        states(machine, {"sops-nix": "active", "sops-nix.target": "active", "needs-all": "active", "requires": "active"})
        assert machine.succeed("cat /run/secrets/db") == text
        machine.succeed(f"rm {KEY}; systemctl stop sops-nix; umount /run/secrets.d; rm -r /run/secrets*")
        machine.fail("systemctl start sops-nix")
        assert failed(machine) == ["sops-nix.service"], failed(machine)
    machine.cut_power()

    machine = boot(lab, payload, "second", lab.directory / "kept")
    with lab.scenario("26c", "the second boot, still without a key, is a failure"):
        machine.wait_for_shell()
        states(machine, {"sops-nix": "failed", "sops-nix.target": "inactive", "needs-all": "inactive", "requires": "inactive", "ordinary": "active"})
        assert "sops-nix.service" in failed(machine)
        said = machine.journal("-o cat -u sops-nix -u sops-nix-key-check")
        assert f"cannot use {KEY}: no such file" in said and SAID not in said, said
    machine.cut_power()


def installed(nix):
    """A /nix with a first system, as nixos-install leaves it."""
    (nix / "store/1").mkdir(parents=True)
    profiles = nix / "var/nix/profiles"
    profiles.mkdir(parents=True)
    (profiles / "system-1-link").symlink_to("/nix/store/1")
    (profiles / "system").symlink_to("system-1-link")
    return nix


def boot(lab, payload, name, nix):
    machine = lab.container(name)
    machine.start(payload.root, init="/test/init", options=(f"--bind={nix}:/nix",))
    return machine


def failed(machine):
    return machine.succeed("systemctl --failed --plain --no-legend | cut -d' ' -f1").splitlines()


def states(machine, wanted):
    found = {unit: machine.property(unit, "ActiveState") for unit in wanted}
    assert found == wanted, found
