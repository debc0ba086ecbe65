"""Ordinary units around the secrets: before them, one of which makes the key, and after them. By unit and by script, at the first boot and the next."""

from payload import value
from scenarios.script import STAGE_2, look_at_the_journal_and_reboot

KEY_FILE = "/var/lib/sops-nix/key.txt"
BEFORE = ["make-key.service", "vault-sync.service", "wait-for-token.service", "token.service"]
AFTER = "app.service"

ACTIVATE = """#!/bin/bash
export PATH=/usr/bin:/usr/sbin
. /test/setupSecrets.snippet
ln -sfn /test /run/current-system
"""


def tell(lab):
    tell_one(lab, "14a", "unit", "ordinary-units-before-the-unit")
    tell_one(lab, "14b", "script", "ordinary-units-before-the-unit-with-scripts", init="/test/stage-2")


def tell_one(lab, number, way, case, **how):
    # The unit after the secrets writes its secret to the disk itself. That is not a fault of ours.
    text = value("ordered")
    payload = lab.payload(case, way)
    file = payload.encrypt("secrets.yaml", {"db": {"password": text}})
    payload.manifest("manifest.json", [payload.secret("db/password", file)], ageKeyFile=KEY_FILE)
    payload.write("test/stage-2", STAGE_2, 0o755)
    payload.write("test/activate", ACTIVATE, 0o755)
    machine = lab.machine(f"machine-{way}")
    machine.start(payload.archive(), **how)

    with lab.scenario(number, f"ordinary units before the secrets, one of which makes the key, and one after them, by {way}"):
        machine.wait_for_shell()
        machine.succeed("systemctl is-system-running --wait")
        started = {unit: int(machine.property(unit, "ActiveEnterTimestampMonotonic")) for unit in [*BEFORE, "sops-nix.service", AFTER]}
        assert all(started.values()), started
        assert max(started[unit] for unit in BEFORE) <= started["sops-nix.service"] <= started[AFTER], started
        assert machine.succeed("cat /run/secrets/db/password /app") == text + text
        look_at_the_journal_and_reboot(machine, **how)
