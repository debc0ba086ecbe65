"""A second disk, encrypted: crypttab names the secret that opens it, and fstab mounts it."""

import payload as payloads
from payload import noted, value

DISK = "/dev/disk/by-id/virtio-data"
# Options that a user would write. With nofail in both files, the boot goes on without the disk. With headless, nobody is asked for
# a passphrase. The time limit for devices, which is 90 s by default, also has to be long enough for the installation. An emulated
# machine on a busy host may take longer than 90 s.
PATIENT = "x-systemd.device-timeout=15min"
CRYPTTAB = f"data {DISK} /run/secrets-for-file-systems/disk luks,nofail,headless=true,{PATIENT}\n"
FSTAB = f"/dev/vda / ext4 rw 0 1\n/dev/mapper/data /data ext4 nofail,{PATIENT} 0 2\n"
KEPT = "kept on the encrypted disk"
UNIT = "sops-nix-for-file-systems"


def tell(lab):
    key, regular, old, new = (lab.secret(value(name)) for name in ["disk", "regular", "old", "new"])
    payload = lab.payload("secret-for-file-systems")
    file = payload.encrypt("secrets.yaml", {"disk": key, "regular": regular, "credentials": old})
    changed = payload.encrypt("changed.yaml", {"credentials": new})
    other = payload.encrypt("other.yaml", {"disk": key}, payloads.OTHER_RECIPIENT)
    payload.manifest("manifest.json", [payload.secret("regular", file)])
    disk = payload.secret("disk", file)
    credentials = {"restartUnits": ["credentials.service"]}
    payload.file_systems_manifest([disk, payload.secret("credentials", file, **credentials)])
    payload.file_systems_manifest([disk, payload.secret("credentials", changed, **credentials)], "changed.json")
    payload.file_systems_manifest([{**disk, "sopsFile": other}, payload.secret("credentials", changed, **credentials)], "broken.json")
    payload.reader("credentials", "/run/secrets-for-file-systems/credentials")
    payload.service("reader", "RequiresMountsFor=/data\n[Service]\nType=oneshot\nRemainAfterExit=true\nExecStart=/test/note start reader /data/file\n")
    machine = lab.machine()
    machine.add_disk("data", 64 << 20)
    machine.start(payload.archive())

    with lab.scenario("21a", "a disk is encrypted with a secret for file systems, and is opened and mounted by it at the next boot"):
        machine.wait_for_shell()
        encrypt_disk(machine, key)
        reboot(machine)
        assert failed(machine) == []
        assert machine.succeed("findmnt -n -o SOURCE /data; cat /data/file") == f"/dev/mapper/data\n{KEPT}"
        assert machine.succeed("cat /run/notes/reader /run/notes/credentials").splitlines() == [noted("start", KEPT), noted("start", old)]
        assert machine.succeed("stat -L -c '%a %U:%G' /run/secrets-for-file-systems/disk; findmnt -n -o FSTYPE /run/secrets-for-file-systems.d") == (
            "400 root:root\nramfs")
        assert machine.succeed("cat /run/secrets/regular") == regular

    with lab.scenario("21b", "the secrets are there before any disk is opened and any file system mounted; no ordering cycle"):
        there = int(machine.property(UNIT, "ActiveEnterTimestampMonotonic"))
        for unit in ["systemd-cryptsetup@data.service", "data.mount", "local-fs.target"]:
            assert there < int(machine.property(unit, "ActiveEnterTimestampMonotonic")), unit
        assert there < int(machine.property("systemd-cryptsetup@data.service", "InactiveExitTimestampMonotonic"))
        assert "ordering cycle" not in machine.journal("-o cat")

    with lab.scenario("21c", "a switch changes another secret of that phase: its unit is restarted, the disk stays mounted"):
        opened = machine.property("systemd-cryptsetup@data.service", "ActiveEnterTimestampMonotonic")
        switch_to(machine, "changed.json")
        machine.wait_until("[ $(wc -l < /run/notes/credentials) = 2 ] && ! systemctl list-jobs | grep -q service")
        assert machine.succeed("tail -n 1 /run/notes/credentials") == noted("start", new)
        assert machine.succeed("cat /data/file") == KEPT
        assert machine.property("systemd-cryptsetup@data.service", "ActiveEnterTimestampMonotonic") == opened

    with lab.scenario("21d", "the key of the disk is broken at boot: the boot goes on without the disk, and the journal says what to type"):
        machine.succeed("cp /test/broken.json /test/manifest-for-file-systems.json")
        reboot(machine)
        assert failed(machine) == [f"{UNIT}.service", "systemd-cryptsetup@data.service"], failed(machine)
        machine.fail("findmnt /data")
        assert machine.property("reader.service", "ActiveState") == "inactive"
        assert machine.succeed("cat /run/secrets/regular /run/secrets-for-file-systems/credentials") == regular + new
        said = machine.journal(f"-o cat -u {UNIT}")
        for line in [f"cannot decrypt {other} (needed by secret disk)", f"hint: add {payloads.RECIPIENT} to .sops.yaml, and in the directory of .sops.yaml run: sops updatekeys {other}",
                     f"published 1 of 2 in /run/secrets-for-file-systems, without: disk; repair the faults named above, and run: systemctl restart {UNIT}"]:
            assert line in said, f"{line!r} is not in: {said}"
        assert "key file '/run/secrets-for-file-systems/disk' missing" in machine.journal("-o cat -u systemd-cryptsetup@data")

    with lab.scenario("21e", "when the secret is repaired, the unit installs it, and the file system can be mounted"):
        machine.succeed(f"cp /test/changed.json /test/manifest-for-file-systems.json && systemctl restart {UNIT}")
        machine.succeed("systemctl start data.mount reader.service")
        assert machine.succeed("cat /run/notes/reader") == noted("start", KEPT)
        assert failed(machine) == []

    with lab.scenario("12e", "shutdown with an encrypted disk: it is closed, no ordering cycle"):
        machine.shut_down()
        assert "ordering cycle" not in machine.console.log.read_text(errors="replace")

    with lab.scenario("13h", "no plaintext and no key in journal, console and disks (encrypted disk)"):
        lab.search_for_leaks(machine)


def encrypt_disk(machine, key):
    """Encrypts the second disk with the secret that is there, as somebody would once, and has it opened and mounted from now on."""
    secret = "/run/secrets-for-file-systems/disk"
    assert machine.succeed(f"cat {secret}") == key
    machine.succeed(f"cryptsetup luksFormat --batch-mode --pbkdf pbkdf2 --pbkdf-force-iterations 1000 {DISK} {secret}")
    machine.succeed(f"cryptsetup open --key-file {secret} {DISK} data && mkfs.ext4 -q /dev/mapper/data && mkdir /data")
    machine.succeed(f"mount /dev/mapper/data /data && printf '{KEPT}' > /data/file && umount /data && cryptsetup close data")
    machine.succeed(f"printf '{CRYPTTAB}' > /etc/crypttab && printf '{FSTAB}' > /etc/fstab")


def failed(machine):
    """The failed units, but for terminals: on a busy host systemd may take too long to start them."""
    units = machine.succeed("systemctl --failed --plain --no-legend | cut -d' ' -f1").splitlines()
    return [unit for unit in units if not unit.startswith("getty")]


def reboot(machine):
    machine.shut_down()
    machine.start()
    machine.wait_for_shell()
    machine.run("systemctl is-system-running --wait")


def switch_to(machine, manifest):
    """What a switch does with a unit whose manifest has changed."""
    machine.succeed(f"systemctl stop {UNIT} && cp /test/{manifest} /test/manifest-for-file-systems.json && systemctl daemon-reload")
    machine.succeed("systemctl restart sysinit-reactivation.target")
