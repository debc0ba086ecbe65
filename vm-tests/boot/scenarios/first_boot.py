"""A host that gets its key only during its first boot: quiet in that boot, and in no other. Each boot has a new root, and the same /nix."""

import subprocess

from configuration import prepare
from payload import value

ONESHOT = "[Service]\nType=oneshot\nRemainAfterExit=true\nExecStart=/bin/true\n"
KEY = "/persist/sops-nix/my key.txt"
MARK = "/run/sops-nix-first-boot/no-key-yet"
# What NixOS does before it starts systemd.
INIT = "#!/bin/bash\nln -sfn /nix/store/1 /run/current-system\nmkdir /persist\n{}exec /lib/systemd/systemd\n"
SAID = f"no secret was installed in the first boot of this host, because it had no key: {KEY} was not there"
DISK = "[Unit]\nDefaultDependencies=false\n[Mount]\nWhat=tmpfs\nWhere=/persist\nType={}\n"
# A look that makes the mark, and fails.
BROKEN = f"#!/bin/sh\\necho > {MARK}\\nexit 1\\n"


def tell(lab):
    text = lab.secret(value("db"))
    payload = lab.payload("no-key-at-first-boot")
    prepare(payload)
    payload.with_command()
    payload.manifest("manifest.json", [payload.secret("db/password", payload.encrypt("secrets.yaml", {"db": {"password": text}}))], ageKeyFile=KEY)
    payload.early_manifest([])
    payload.service("needs-all", "Wants=sops-nix.target\nRequisite=sops-nix.target\nAfter=sops-nix.target\n" + ONESHOT)
    payload.service("requires", "Requires=sops-nix.service\nAfter=sops-nix.service\n" + ONESHOT)
    payload.service("ordinary", "After=sops-nix.service\n" + ONESHOT)
    # The disk is mounted before systemd starts, as a file system with neededForBoot is.
    payload.write("test/init", INIT.format("mount -t tmpfs tmpfs /persist\n"), 0o755)

    with disk(lab) as nix:
        machine = boot(lab, payload, "first", nix)
        with lab.scenario("26a", "the first boot, without a key: nothing of ours has failed, what needs the secrets does not start, and it is said how to go on"):
            machine.wait_for_shell()
            quiet = {"sops-nix": "inactive", "sops-nix.target": "inactive", "needs-all": "inactive", "requires": "inactive", "db-client": "inactive", "ordinary": "active"}
            states(machine, quiet)
            assert failed(machine) == [], failed(machine)
            assert machine.property("sops-nix", "AssertResult") == "no"
            assert SAID in machine.journal("-o cat -u sops-nix-first-boot")
            for command, begin in [("status", f"no-key-yet\tsystem\t\t{SAID}\tmake a key, "), ("doctor", f'finding\tinstallation\tthe phase "system": {SAID}\tmake a key, ')]:
                code, said = machine.run(f"/test/sops-nix {command}")
                assert code == 1 and begin in said, said
            # The unit looks when the installer would.
            after = {unit: set(machine.property(unit, "After").split()) for unit in ["sops-nix", "sops-nix-first-boot"]}
            assert "persist.mount" in after["sops-nix"], after
            assert after["sops-nix"] - after["sops-nix-first-boot"] == {"sops-nix-first-boot.service"}, after
            # Whoever starts it again in this boot, a timer for instance, gets the same answer.
            machine.fail("systemctl start sops-nix")
            states(machine, quiet)

        with lab.scenario("26b", "the key is made in the first boot: retry installs the secrets, and starts what waited; a key that is lost then is a failure"):
            machine.succeed(f"mkdir -p /persist/sops-nix && cp /test/age.txt '{KEY}'")
            tried = machine.succeed("/test/sops-nix retry")
            assert "installed\tsystem\t\tsops-nix.service" in tried.splitlines() and "started\tdb-client.service" in tried.splitlines(), tried
            machine.wait_until("[ -z \"$(systemctl list-jobs --no-legend)\" ]")
            states(machine, {unit: "active" for unit in quiet})
            assert machine.succeed("cat /run/secrets/db/password") == text
            machine.succeed(f"rm '{KEY}'; systemctl stop sops-nix; umount /run/secrets.d; rm -r /run/secrets*")
            machine.fail("systemctl start sops-nix")
            assert "sops-nix.service" in failed(machine)
        machine.cut_power()

        machine = boot(lab, payload, "second", nix)
        with lab.scenario("26c", "the second boot, still without a key, is a failure, and so is a look that fails, whatever it has left"):
            machine.wait_for_shell()
            is_failure(machine)
            machine.succeed(f"printf '{BROKEN}' > /test/sops-nix-first-boot.sh; systemctl reset-failed; systemctl stop sops-nix-first-boot")
            machine.fail("systemctl start sops-nix")
            assert failed(machine) == ["sops-nix-first-boot.service", "sops-nix.service"], failed(machine)
            machine.fail(f"ls {MARK}")
        machine.cut_power()

    with disk(lab) as nix:
        machine = boot(lab, payload, "switched", nix)
        with lab.scenario("26d", "a switch in the first boot, still without a key, is a failure"):
            machine.wait_for_shell()
            states(machine, {"sops-nix": "inactive"})
            assert failed(machine) == [] and SAID in machine.succeed(f"cat {MARK}"), failed(machine)
            machine.fail("systemctl restart sysinit-reactivation.target")
            is_failure(machine)
        knows_soft_reboot = "soft-reboot" in machine.succeed("systemctl --help")
        machine.cut_power()

    # The tests of the script in tests/contract have a mark that was left in /run.
    if not knows_soft_reboot:
        print("not told: 26f, because this systemd knows no soft reboot; see BOOT_SYSTEM in the README", flush=True)
    else:
        with disk(lab) as nix:
            machine = boot(lab, payload, "soft", nix)
            with lab.scenario("26f", "a soft reboot, which keeps /run, is a second boot: without a key it is a failure"):
                machine.wait_for_shell()
                states(machine, {"sops-nix": "inactive", "sops-nix-first-boot": "active"})
                machine.succeed("touch /run/kept; systemctl --no-block soft-reboot")
                machine.wait_until("[ $(systemctl show -p SoftRebootsCount --value) = 1 ] && systemctl is-system-running --wait | grep -q -e running -e degraded")
                machine.succeed("ls /run/kept")
                is_failure(machine)
            machine.cut_power()

    with disk(lab) as nix:
        payload.write("test/init", INIT.format(""), 0o755)
        payload.write("etc/systemd/system/persist.mount", DISK.format("nothing"))
        machine = boot(lab, payload, "without-disk", nix)
        with lab.scenario("26e", "a first boot in which the disk of the key fails counts: the second one, in which another disk is there, is a failure"):
            machine.wait_for_shell()
            states(machine, {"persist.mount": "failed", "sops-nix": "inactive", "sops-nix-first-boot": "active"})
            assert "/persist is not mounted" in machine.journal("-o cat -u sops-nix-first-boot")
            machine.fail(f"ls {MARK}")
            machine.cut_power()
            payload.write("etc/systemd/system/persist.mount", DISK.format("tmpfs"))
            machine = boot(lab, payload, "with-disk", nix)
            machine.wait_for_shell()
            is_failure(machine)
        machine.cut_power()


class disk:
    """A /nix with a first system, as nixos-install leaves it, on a disk of its own: an ext4 file system in a file."""

    def __init__(self, lab):
        self.image = lab.directory / f"nix-{len(lab.machines)}.img"
        self.place = self.image.with_suffix("")

    def __enter__(self):
        script = """mkdir "$1"; truncate -s 16M "$2"; mkfs.ext4 -q "$2"; mount -o loop "$2" "$1"; mkdir -p "$1/store/1" "$1/var/nix/profiles"; cd "$1/var/nix/profiles"
            ln -s /nix/store/1 system-1-link; ln -s system-1-link system"""
        subprocess.run(["bash", "-ec", script, "bash", self.place, self.image], check=True)
        return self.place

    def __exit__(self, *_):
        subprocess.run(["umount", "--lazy", self.place], check=True)


def boot(lab, payload, name, nix):
    machine = lab.container(name)
    machine.start(payload.root, init="/test/init", options=(f"--bind={nix}:/nix",))
    return machine


def failed(machine):
    return machine.succeed("systemctl --failed --plain --no-legend | cut -d' ' -f1").splitlines()


def states(machine, wanted):
    found = {unit: machine.property(unit, "ActiveState") for unit in wanted}
    assert found == wanted, found


def is_failure(machine):
    """The installer was started, and has failed for want of the key."""
    states(machine, {"sops-nix": "failed", "sops-nix.target": "inactive", "needs-all": "inactive", "requires": "inactive", "ordinary": "active"})
    assert "sops-nix.service" in failed(machine)
    machine.fail(f"ls {MARK}")
    said = machine.journal("-o cat -u sops-nix")
    assert f'cannot use "{KEY}": no such file' in said, said
