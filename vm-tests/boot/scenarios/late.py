"""A key on a file system that is not there at boot."""

from payload import noted, value

KEY_FILE = "/var/lib/sops-nix/key.txt"
# A disk that is not connected.
MOUNT = """[Unit]
DefaultDependencies=no
Conflicts=umount.target
Before=umount.target
[Mount]
What=/dev/disk/by-label/keys
Where=/var/lib/sops-nix
Type=ext4
"""


def tell(lab):
    text = lab.secret(value("late"))
    # The units of this case wait for the file system of the key. Here, nothing can mount it in time.
    payload = lab.payload("generated-key-by-unit")
    file = payload.encrypt("secrets.yaml", {"a": text})
    payload.manifest("manifest.json", [payload.secret("a", file, restartUnits=["failing.service"])], ageKeyFile=KEY_FILE)
    payload.early_manifest([], ageKeyFile=KEY_FILE)
    for unit in ["sops-nix-generate-age-key.service", "sops-nix-for-users.service"]:
        (payload.units / unit).unlink()
        (payload.units / unit).symlink_to("/dev/null")
    payload.write("etc/systemd/system/var-lib-sops\\x2dnix.mount", MOUNT)
    payload.drop_in("dev-disk-by\\x2dlabel-keys.device", "[Unit]\nJobTimeoutSec=5\n")
    payload.service("restarting", "StartLimitIntervalSec=0\n[Service]\nType=oneshot\nRemainAfterExit=true\nRestart=on-failure\nRestartSec=2\n"
                    "ExecStartPre=/usr/bin/test -r /run/secrets/a\nExecStart=/test/note start restarting /run/secrets/a\n")
    payload.service("failing", "[Service]\nType=oneshot\nRemainAfterExit=true\nExecStart=/usr/bin/test -r /run/secrets/a\n")
    payload.service("requiring", "Requires=sops-nix.service\nAfter=sops-nix.service\n[Service]\nType=oneshot\nRemainAfterExit=true\n"
                    "ExecStart=/test/note start requiring /run/secrets/a\n")
    machine = lab.machine()
    machine.start(payload.archive())

    with lab.scenario("9a", "a key on a file system that does not come: the boot goes on, and says what is missing"):
        machine.wait_for_shell()
        machine.fail("ls /run/secrets")
        said = machine.journal("-o cat")
        assert "Dependency failed for sops-nix.service - Secrets of sops files" in said, said[-2000:]
        assert machine.property("requiring.service", "ActiveState") == "inactive"
        assert machine.property("restarting.service", "ActiveState") in ("activating", "failed")
        machine.wait_until("[ $(systemctl show -P ActiveState failing) = failed ]")

    with lab.scenario("6", "systemctl restart sops-nix after the key has come: units that waited come up"):
        machine.succeed(f"mkdir -p /var/lib/sops-nix && mount -t tmpfs tmpfs /var/lib/sops-nix && cp /test/age.txt {KEY_FILE}")
        machine.succeed("systemctl restart sops-nix")
        assert machine.succeed("cat /run/secrets/a") == text
        machine.wait_until("[ $(systemctl show -P ActiveState restarting) = active ]")
        machine.wait_until("[ $(systemctl show -P ActiveState failing) = active ]")
        machine.succeed("systemctl start multi-user.target requiring")
        assert machine.succeed("cat /run/notes/restarting /run/notes/requiring").splitlines() == [noted("start", text)] * 2
        assert machine.succeed("systemctl --failed --plain --no-legend") == ""
        machine.shut_down()

    with lab.scenario("13d", "no plaintext and no key in journal, console and disk (late key)"):
        lab.search_for_leaks(machine)
