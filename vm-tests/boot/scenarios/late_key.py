"""A key file that comes after the boot: on a file system that somebody mounts by hand, and as a file."""

from configuration import prepare
from payload import KEYS, noted, value

KEY = {"unit": "/persist/keys/age 100%.txt", "script": "/run/media/stick/age.txt", "services": "/var/keys/age.txt"}
ONESHOT = "[Service]\nType=oneshot\nRemainAfterExit=true\n"
STARTS = "journalctl --sync; journalctl -b -o cat -u sops-nix-online | grep -c '^Starting'"


def tell(lab):
    texts = {name: lab.secret(value(name)) for name in ["here", "late"]}
    machine = boot(lab, "unit", "key-that-comes-late", texts)
    with lab.scenario("30a", "a key that is not there at boot: what it opens is deferred, and nothing else; a file system that is mounted by hand brings it"):
        is_deferred(machine, texts, f'"{KEY["unit"]}"')
        assert machine.property("sops-nix-late-key.path", "ActiveState") == "inactive"
        machine.succeed(f"mkdir -p /stick/keys && cp /test/age.txt '/stick/{KEY['unit'].removeprefix('/persist/')}' && mount /persist")
        has_come(machine, texts)
        assert machine.property("sops-nix-late-key.path", "ActiveState") == "active"
        # What is there is not installed again.
        generation = machine.succeed("readlink /run/secrets")
        machine.succeed("umount /persist && mount /persist && sleep 2")
        assert machine.succeed("readlink /run/secrets; systemctl --failed --plain --no-legend") == generation
    machine.cut_power()

    machine = boot(lab, "script", "key-that-comes-late-by-script", texts)
    with lab.scenario("30b", "a key file that is made after the boot: one that opens nothing is tried once, and is a failure; the right one brings the secret"):
        is_deferred(machine, texts, KEY["script"])
        # No unit is for this mount. The path unit has seen its directory before.
        machine.succeed("mkdir -p /wrong /run/media/stick; cp /test/other-age.txt /wrong/age.txt; sleep 1; mount --bind /wrong /run/media/stick")
        is_wrong(machine, 1)
        machine.succeed("umount /run/media/stick; for _ in $(seq 16); do cp /test/other-age.txt /run/media/stick/age.txt; sleep 0.7; done")
        is_wrong(machine, 17)
        assert machine.property("sops-nix-late-key.path", "ActiveState") == "active"
        machine.fail("ls /run/secrets/late")
        # The rest of the key is written while the first half is tried, which takes long here.
        machine.succeed("mkdir -p /run/systemd/system/sops-nix-online.service.d; printf '[Service]\\nExecStopPost=/bin/sleep 4\\n' "
                        "> /run/systemd/system/sops-nix-online.service.d/slow.conf; systemctl daemon-reload")
        machine.succeed("head -c 20 /test/age.txt > /run/media/stick/age.txt; sleep 3; cp /test/age.txt /run/media/stick/age.txt")
        has_come(machine, texts)
    machine.cut_power()

    machine = boot(lab, "services", "key-that-comes-late-beside-key-services", texts)
    with lab.scenario("30c", "a key file that is made while the unit that asks key services waits to try again: it tries at once"):
        machine.wait_until("[ $(systemctl show sops-nix-online -P SubState) = auto-restart ]")
        assert "which asks key services and waits for /var/keys/age.txt: late" in machine.journal("-o cat -u sops-nix")
        machine.succeed("mkdir /var/keys; cp /test/age.txt /var/keys/age.txt")
        machine.wait_until("[ $(systemctl show reads -P ActiveState) = active ]", 30)
        has_come(machine, texts)
    machine.cut_power()


def boot(lab, way, case, texts):
    """A host without its key. Its SSH key opens one of two secrets."""
    payload = lab.payload(case, f"payload-{way}")
    prepare(payload)
    payload.with_command()
    (payload.test / "ssh").write_bytes((KEYS / "ssh_ed25519").read_bytes())
    (payload.test / "ssh").chmod(0o600)
    (payload.test / "other-age.txt").write_bytes((KEYS / "other-age.txt").read_bytes())
    here = payload.encrypt("here.yaml", {"here": texts["here"]}, " ".join((KEYS / "ssh_ed25519.pub").read_text().split()[:2]))
    late = payload.encrypt("late.yaml", {"late": texts["late"]})
    payload.manifest("manifest.json", [payload.secret("here", here, restartUnits=[]), payload.secret("late", late, restartUnits=["reads.service"])],
                     ageKeyFile=KEY[way], ageSshKeyPaths=["/test/ssh"], ageKeyFileMayComeLate=True)
    payload.early_manifest([])
    payload.service("reads", ONESHOT + "ExecStartPre=/usr/bin/test -r /run/secrets/late\nExecStart=/test/note start reads /run/secrets/late\n")
    init = "/lib/systemd/systemd"
    if way == "script":
        init = "/test/stage-2"
        payload.write("test/stage-2", "#!/bin/bash\nexport PATH=/usr/bin:/usr/sbin\n. /test/setupSecrets.snippet\nexec /lib/systemd/systemd\n", 0o755)
    # What NixOS makes of the file system of the case, with a directory in the place of the disk.
    payload.write("etc/fstab", "/stick /persist none bind,noauto 0 0\n")
    (payload.root / "persist").mkdir()
    machine = lab.container(way)
    machine.start(payload.root, init=init)
    machine.wait_for_shell()
    return machine


def is_deferred(machine, texts, key):
    """The other secret is there, and only the unit that needs the late one has failed."""
    assert machine.succeed("cat /run/secrets/here; ls /run/secrets") == f"{texts['here']}here"
    assert machine.succeed("systemctl --failed --plain --no-legend | cut -d' ' -f1") == "reads.service"
    said = machine.journal("-o cat -u sops-nix")
    assert f"deferred until sops-nix-online.service, which waits for {key}: late (used by reads.service)" in said, said
    assert "secret\tsystem\t\tdeferred\tlate" in machine.run("/test/sops-nix status")[1]
    code, found = machine.run("/test/sops-nix doctor")
    assert code == 1 and 'secret "late" is deferred until sops-nix-online.service at /run/secrets/late' in found, found
    states = {unit: machine.property(unit, "ActiveState") for unit in ["sops-nix", "sops-nix-online"]}
    assert states == {"sops-nix": "active", "sops-nix-online": "inactive"}, states
    # Whoever tries again without the key is told.
    code, tried = machine.run("/test/sops-nix retry")
    assert code == 1 and "it was tried again, and not all is there" in tried, tried


def is_wrong(machine, most):
    """The unit has failed because of the key, and does not start again and again. `most`: how often it may have started in this boot."""
    machine.wait_until("[ $(systemctl show sops-nix-online -P ActiveState) = failed ]")
    assert "cannot decrypt /test/late.yaml" in machine.journal("-o cat -u sops-nix-online")
    # What is tried again by itself is tried every second.
    tried = machine.succeed(f"sleep 2; {STARTS}")
    assert machine.succeed(f"sleep 2; {STARTS}") == tried and int(tried) <= most, tried


def has_come(machine, texts):
    """The late secret is there, and the unit that needs it has started with it."""
    machine.wait_until("[ $(systemctl show reads -P ActiveState) = active ]")
    assert machine.succeed("cat /run/secrets/late /run/notes/reads") == texts["late"] + noted("start", texts["late"])
    machine.wait_until("[ -z \"$(systemctl list-jobs --no-legend)\" ]")
    assert machine.succeed("systemctl --failed --plain --no-legend") == ""
    assert "ordering cycle" not in machine.journal("-o cat")
    assert machine.property("sops-nix-online", "Result") == "success"
    assert "deferred" not in machine.succeed("/test/sops-nix status")
    assert machine.succeed("/test/sops-nix doctor") == ""
