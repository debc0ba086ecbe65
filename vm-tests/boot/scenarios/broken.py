"""What cannot be decrypted, and places that cannot be mounted: the boot goes on, and the journal says what to type."""

import os
import subprocess

import payload as payloads
from payload import value

# The program that SOPS_GPG_EXEC names, and a word that the message must contain.
GPGS = {"hanging": "no answer within 5 s", "missing": "/test/missing/gpg: no such program"}


def tell(lab):
    texts = {f"s{number}": lab.secret(value(f"s{number}")) for number in range(10)}
    payload = lab.payload("activation-with-userborn")
    file = payload.encrypt("secrets.yaml", texts)
    other = payload.encrypt("other.yaml", {"s9": texts["s9"]}, payloads.OTHER_RECIPIENT)
    good = [payload.secret(name, file) for name in texts]
    # This service fails at each start, because its secret is missing, until systemd does not start it again.
    payload.service("wanting", "StartLimitIntervalSec=1h\nStartLimitBurst=2\n[Service]\nType=oneshot\nRemainAfterExit=true\nRestart=on-failure\n"
                    "ExecStart=/usr/bin/test -r /run/secrets/s9\n")
    wanted = {"restartUnits": ["wanting.service"]}
    payload.manifest("manifest.json", good[:9] + [payload.secret("s9", other, **wanted)])
    payload.manifest("mended/manifest.json", good[:9] + [payload.secret("s9", file, **wanted)])
    payload.early_manifest([payload.secret("early", file, key="s0")])
    elsewhere = {"symlinkPath": "/run/elsewhere", "secretsMountPoint": "/run/elsewhere.d"}
    payload.manifest("tmpfs.json", [payload.secret("a", file, key="s0", path="/run/elsewhere/a")], useTmpfs=True, **elsewhere)
    payload.manifest("ramfs.json", [payload.secret("a", file, key="s0", path="/run/elsewhere/a")], **elsewhere)
    lay_out_gpg(lab, payload)
    machine = lab.machine()
    machine.start(payload.archive())

    with lab.scenario("7", "one broken secret of ten at boot: nine are there, the unit has failed, the journal says what to type"):
        machine.wait_for_shell()
        machine.run("systemctl is-system-running --wait")
        assert machine.succeed("cd /run/secrets && ls && cat s?").split() == [f"s{n}" for n in range(9)] + ["".join(texts[f"s{n}"] for n in range(9))]
        failed = machine.succeed("systemctl --failed --plain --no-legend | cut -d' ' -f1").splitlines()
        assert [unit for unit in failed if "sops" in unit] == ["sops-nix.service"], failed
        assert machine.property("sops-nix.service", "ExecMainStatus") == "3"
        said = machine.journal("-o cat -u sops-nix.service")
        for line in [f"cannot decrypt {other} (needed by secret s9)", f"hint: add {payloads.RECIPIENT} to .sops.yaml, and in the directory of .sops.yaml run: sops updatekeys {other}",
                     "published 9 of 10 in /run/secrets, without: s9 (used by wanting.service); repair the faults named above, and run: systemctl restart sops-nix"]:
            assert line in said, f"{line!r} is not in: {said}"
        assert "SECRET_NAME=s9" in machine.journal("-o export SECRET_NAME=s9")
        machine.succeed("cp /test/mended/manifest.json /test/manifest.json && systemctl restart sops-nix")
        assert machine.succeed("cat /run/secrets/s9") == texts["s9"]

    with lab.scenario("16a", "a unit that failed for want of a secret is started once the secret is there"):
        assert "wanting.service" in failed and "wanting.service: Start request repeated too quickly" in machine.journal("-o cat")
        machine.wait_until("[ $(systemctl show -P ActiveState wanting) = active ]")

    with lab.scenario("10a", "a kernel without noswap, and tmpfs asked for: secrets are there, swap is warned of where there is any"):
        said = machine.succeed("uname -r; /test/program /test/tmpfs.json; findmnt -n -o FSTYPE,OPTIONS /run/elsewhere.d")
        assert said.startswith("6.1."), said
        assert "/run/elsewhere.d is on a tmpfs without noswap, so secrets may be written to swap" in said, said
        assert "tmpfs" in said and "noswap" not in said.splitlines()[-1], said
        assert machine.succeed("cat /run/elsewhere/a") == texts["s0"]
        machine.succeed("umount /run/elsewhere.d && rm -r /run/elsewhere*")

    # A container does not have more rights than this. A limit on system calls would cause the same error.
    with lab.scenario("10b", "mounting forbidden, as in a container: refused where it would be a disk, warned of where it is memory"):
        confined = "setpriv --bounding-set=-sys_admin"
        said = machine.succeed(f"{confined} /test/program /test/ramfs.json")
        assert "/run/elsewhere.d is on a tmpfs without noswap, so secrets may be written to swap; allow this container to mount" in said, said
        assert machine.succeed("cat /run/elsewhere/a; findmnt -n -o FSTYPE -T /run/elsewhere.d") == texts["s0"] + "tmpfs"
        machine.succeed("rm -r /run/elsewhere*")
        machine.succeed("sed 's#/run/elsewhere#/var/elsewhere#' /test/ramfs.json > /test/disk.json")
        said = machine.fail(f"{confined} /test/program /test/disk.json")
        assert "so secrets would be written to a disk; allow this container to mount, or mount a tmpfs on /var/elsewhere.d from outside" in said, said
        machine.fail("ls /var/elsewhere/a")

    with lab.scenario("9b", "at boot a gpg that hangs, and none at all: the deadline ends it, the boot goes on"):
        for name, remedy in GPGS.items():
            assert machine.property(f"gpg-{name}.service", "Result") == "exit-code"
            said = machine.journal(f"-o cat -u gpg-{name}")
            assert "cannot decrypt /test/gpg.yaml" in said and remedy in said, said
            spent = machine.succeed(f"systemctl show gpg-{name} -P ExecMainStartTimestampMonotonic -P ExecMainExitTimestampMonotonic").split()
            assert int(spent[1]) - int(spent[0]) < 60_000_000, spent

    with lab.scenario("12c", "shutdown with what was broken: no ordering cycle"):
        machine.shut_down()
        assert "ordering cycle" not in machine.console.log.read_text(errors="replace")

    with lab.scenario("13e", "no plaintext and no key in journal, console and disk (broken secrets)"):
        lab.search_for_leaks(machine)


def lay_out_gpg(lab, payload):
    """A file for an OpenPGP key, and units that meet it early in the boot with a gpg that never ends, or none."""
    home = lab.directory / "gnupg"
    home.mkdir(mode=0o700)
    environment = {**os.environ, "GNUPGHOME": str(home)}
    subprocess.run(["gpg", "--batch", "--quiet", "--import", payloads.KEYS / "pgp.asc"], env=environment, check=True)
    keys = subprocess.run(["gpg", "--list-keys", "--with-colons"], env=environment, stdout=subprocess.PIPE, text=True, check=True).stdout
    fingerprint = next(line for line in keys.splitlines() if line.startswith("fpr:")).split(":")[9]
    file = payload.encrypt("gpg.yaml", {"a": lab.secret(value("gpg"))}, pgp=fingerprint, environment=environment)
    # The import has started an agent. It would remove its sockets itself when the directory is removed at the end.
    subprocess.run(["gpgconf", "--kill", "all"], env=environment, check=True)
    for program in ["gpg", "gpgconf", "gpg-agent"]:
        payload.write(f"test/hanging/{program}", "#!/bin/sh\nexec sleep 100000\n", 0o755)
    payload.write("test/gnupg/gpg.conf", "")
    for name in GPGS:
        place = f"/run/gpg-{name}"
        payload.manifest(f"gpg-{name}.json", [payload.secret("a", file, path=f"{place}/a")], ageKeyFile=None, gnupgHome="/test/gnupg", keyTimeout=5,
                         symlinkPath=place, secretsMountPoint=f"{place}.d")
        payload.service(f"gpg-{name}", f"DefaultDependencies=no\nAfter=systemd-journald.service\nBefore=sysinit.target\n[Service]\nType=oneshot\nEnvironment=SOPS_GPG_EXEC=/test/{name}/gpg\n"
                        f"ExecStart=/test/program /test/gpg-{name}.json\n", "sysinit.target")
