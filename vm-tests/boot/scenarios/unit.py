"""Activation by units: what waits for the secrets, users with passwords that are secrets, a switch, the shutdown."""

import json
import re
import subprocess

from payload import noted, value
from scenarios.script import UNITS, assert_notes, lay_out, look_at_the_journal_and_reboot

# How many seconds the key of the first installation is waited for.
DELAY = 20
# The command that prints the key. Only the first boot is slow.
SLOW_KEY = f"""#!/bin/sh
[ -e /test/was-slow ] || sleep {DELAY}
cat /test/age.txt
"""


def tell(lab):
    old, new = lab.secret(value("old")), lab.secret(value("new"))
    same, owned = lab.secret(value("same")), lab.secret(value("owned"))
    environment = f"TOKEN={lab.secret(value('environment'))}"
    password, copied = lab.secret(value("password")), lab.secret(value("copied"))
    hashed = subprocess.run(["openssl", "passwd", "-6", "-stdin"], input=password, text=True, stdout=subprocess.PIPE, check=True).stdout.strip()

    payload = lab.payload("activation-with-sysusers")
    before = {"changed": old, "same": same, "owned": owned, "environment": environment, "early": hashed, "copied": copied}
    lay_out(payload, payload.encrypt("secrets.yaml", before), payload.encrypt("new.yaml", {**before, "changed": new}))
    lay_out_users(payload)
    payload.write("test/slow-key", SLOW_KEY, 0o755)
    manifest = payload.test / "manifest.json"
    manifest.write_text(json.dumps({**json.loads(manifest.read_text()), "ageKeyFile": None}))
    payload.drop_in("sops-nix.service", "[Service]\nEnvironment=SOPS_AGE_KEY_CMD=/test/slow-key\nExecStartPost=+/usr/bin/touch /test/was-slow\n")
    machine = lab.machine()
    machine.start(payload.archive())

    with lab.scenario("2", f"activation by unit, {DELAY} s slow: nothing after sysinit.target starts before the secrets"):
        machine.wait_for_shell()
        machine.succeed("systemctl is-system-running --wait")
        times = start_times(machine)
        there = int(machine.property("sops-nix.service", "ActiveEnterTimestampMonotonic"))
        assert there - int(machine.property("sops-nix.service", "InactiveExitTimestampMonotonic")) > DELAY * 1_000_000
        assert len(times) > 8 and "same.service" in times, times
        early = [unit for unit, time in times.items() if time < there]
        assert not early, f"started before the secrets were there: {early}"
        assert machine.succeed("cat /run/notes/{environment,credential,changed}").splitlines() == [
            noted("start", environment.removeprefix("TOKEN=")), noted("start", same), noted("start", old)]

    with lab.scenario("2b", "while the secrets are waited for, the console says what for"):
        console = machine.console.log.read_text(errors="replace")
        # systemd cuts it in the middle, because this console has 80 columns.
        assert re.search("(sops-nix.service|Secrets of sops files).*the command in SOPS_AGE_KEY_CMD|sops-nix.service/start running.*SOPS_AGE_KEY_CMD", console), console[-3000:]
        assert "waiting for the command in SOPS_AGE_KEY_CMD" in machine.journal("-u sops-nix -o cat"), "the journal does not say it"

    with lab.scenario("3", "a password from an early secret is there when systemd-sysusers creates the user; login"):
        assert machine.succeed("getent shadow carol | cut -d: -f2") == hashed
        assert machine.succeed("stat -L -c '%U %a' /run/secrets/owned") == "alice 400"
        log_in(machine, password)

    with lab.scenario("5b", "a switch by systemctl does what its dry run said, each unit once"):
        machine.succeed("rm -f /run/notes/*; cp /test/next/manifest.json /test/manifest.json; mkdir -p /run/nixos")
        said = machine.succeed("NIXOS_ACTION=dry-activate /test/sops-nix.sh")
        assert said.splitlines() == ["would modify secrets: changed, owned", "would modify rendered secret: template"], said
        said = machine.succeed("cd /run/nixos && sed 's/^/restart /' dry-activation-restart-list && sed 's/^/reload /' dry-activation-reload-list && rm *")
        assert said.splitlines() == UNITS, said
        machine.fail("ls /run/notes/*")
        machine.succeed("systemctl restart sops-nix.service")
        # The run only queues the jobs for the units, and does not wait for them.
        machine.wait_until("[ -s /run/notes/changed ] && [ -s /run/notes/owned ] && [ -s /run/notes/template ] && ! systemctl list-jobs | grep -q service")
        assert_notes(machine, new, owned, f"the same {same}, and more")
        said = machine.journal("-u sops-nix -o cat")
        assert "modifying secrets: changed, owned" in said and "modifying rendered secret: template" in said, said
        machine.fail("ls /run/nixos/*")

    with lab.scenario("12b", "shutdown and reboot by unit: no ordering cycle, no failed unit; a copy on the disk is there again, and goes with its secret"):
        look_at_the_journal_and_reboot(machine, copied, "systemctl restart sops-nix.service")

    with lab.scenario("13b", "no plaintext and no key in journal, console and disk (unit)"):
        lab.search_for_leaks(machine)


def lay_out_users(payload):
    """Users by systemd-sysusers, with a password that is an early secret, as the module for it in NixOS sets it up."""
    payload.write("etc/sysusers.d/test.conf", "u alice 1000\nu bob 1001\nu carol 1002 - /root /bin/bash\n")
    payload.drop_in("systemd-sysusers.service", "[Unit]\nConditionNeedsUpdate=\n[Service]\n"
                    "LoadCredential=passwd.hashed-password.carol:/run/secrets-for-users/early\n")


def start_times(machine):
    """When units that are ordered after sysinit.target began to start, in microseconds since the start of the kernel."""
    said = machine.succeed("systemctl show '*.service' '*.timer' '*.socket' -p Id -p After -p InactiveExitTimestampMonotonic")
    units = [dict(line.split("=", 1) for line in unit.splitlines()) for unit in said.split("\n\n")]
    return {unit["Id"]: int(unit["InactiveExitTimestampMonotonic"]) for unit in units
            if "sysinit.target" in unit["After"].split() and unit["InactiveExitTimestampMonotonic"] != "0"}


def log_in(machine, password):
    """As somebody at the console would."""
    machine.console.send("")
    machine.console.read_until("login: ")
    machine.console.send("carol")
    machine.console.read_until("Password: ")
    machine.console.send(password)
    machine.console.read_until("carol@boot:/$ ")
    machine.console.send("echo I am $(id -un); exit")
    machine.console.read_until("I am carol")
