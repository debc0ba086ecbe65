"""A running host moves from secrets that are installed by script to secrets that are installed by unit, and back, while something reads them all the time."""

import json
import os
import pathlib
import shutil

from clients import clients
from configuration import boot_into, install_client, keep, prepare
from payload import noted, value

# There are three secrets: one at its usual place, one with a path of its own, and an early one.
FILES = {"usual": "/run/secrets/usual", "elsewhere": "/var/lib/app/token", "early": "/run/secrets-for-users/early"}

# How sops-nix calls its program in the activation script with this name.
SNIPPET = """# dry activation: true
[ -e /run/current-system ] || echo setting up secrets
/test/sops-nix-program{flags} /test/{manifest}
"""

# Reads each file again and again. Records a file that is not complete, is missing, or has an older value than before.
READER = """import json, os, pathlib
files = json.loads(pathlib.Path("/test/files.json").read_text())
seen = {path: 0 for path in files}
count = 0
wrong = open("/run/wrong", "w", buffering=1)

def read(path):
    link = "/run/secrets-for-users" if "users" in path else "/run/secrets"
    while True:
        generation = os.readlink(link)
        try:
            return pathlib.Path(path).read_text()
        except FileNotFoundError:
            # It was on its way into a generation that has been replaced and removed meanwhile. Nobody can be spared that.
            if os.readlink(link) == generation: raise

while True:
    for path, values in files.items():
        try:
            now = values.index(read(path))
            if now < seen[path]: print(path, "is as it was before", file=wrong)
            seen[path] = now
        except (OSError, ValueError) as error:
            print(path, error.strerror if isinstance(error, OSError) else "is not whole", "after value", seen[path], file=wrong)
    count += 1
    if count % 1000 == 0: pathlib.Path("/run/count").write_text(str(count))
"""


def tell(lab):
    kinds = {"our scripts": None}
    named = os.environ.get("SOPS_NIX_PROGRAM")
    if named:
        kinds["sops-nix"] = pathlib.Path(named)
    else:
        print("SKIPPED: moving from the real sops-nix, whose program SOPS_NIX_PROGRAM does not name (README.md)", flush=True)
    for client, code in clients().items():
        for number, (kind, program) in enumerate(kinds.items(), 1):
            move(lab, f"17{'ab'[number - 1]}", kind, program, client, code)


def move(lab, number, kind, program, client, code):
    values = {name: [lab.secret(value(f"{step}-{name}")) for step in range(3)] for name in FILES}
    name = f"{number}-{client}"
    machine = lab.container(name)
    machine.start(host(lab, name, program, code, values), init="/system/0/stage-2")
    with lab.scenario(number, f"from {kind} to our units and back by {client}: each secret is there and whole all the time"):
        machine.wait_for_shell()
        machine.succeed("systemctl start reader; rm -f /run/notes/*")
        machine.wait_until("[ -s /run/count ]")
        for step, is_by_unit in [(1, True), (2, False)]:
            said = machine.succeed(f"/system/{step}/bin/switch-to-configuration switch")
            machine.wait_until("[ -z \"$(systemctl list-jobs --no-legend)\" ] && ! systemctl is-active -q 'sops-nix-requests*'")
            for path, texts in zip(FILES.values(), values.values()):
                assert machine.succeed(f"cat {path}") == texts[step], said
            assert machine.succeed("cat /run/notes/user; rm /run/notes/user") == noted("start", values["usual"][step]), said
            assert ("WARN" in said) == (not is_by_unit), said
            count = machine.succeed("cat /run/count")
            machine.wait_until(f"[ \"$(cat /run/count)\" != {count} ]")
        wrong = machine.succeed("sort /run/wrong | uniq -c")
        assert not wrong, wrong
        journal = machine.journal()
        assert "sops-nix.service" in journal and not [text for texts in values.values() for text in texts if text in journal]
    machine.cut_power()


def host(lab, name, program, client, values):
    """The files of a host with a configuration for each step; returns where they are."""
    unit = lab.payload("activation-with-userborn", f"{name}-unit")
    install_client(unit, client)
    if program:
        shutil.copy(program, unit.test / "sops-nix-program")
    unit.write("test/files.json", json.dumps({path: values[key] for key, path in FILES.items()}))
    unit.write("test/reader", READER)
    script = lab.payload("activation-by-scripts", f"{name}-script")
    for step, payload in enumerate([script, unit, script]):
        file = unit.encrypt(f"{step}.yaml", {key: texts[step] for key, texts in values.items()})
        lay_out(payload, file, program if payload is script else None)
        keep(payload, str(step), unit)
    boot_into(unit, "0")
    return unit.root


def lay_out(payload, file, program):
    """The secrets of a configuration, and who reads them. `program`: that of sops-nix, if it installs them."""
    if not (payload.units / "default.target").is_symlink():
        prepare(payload)
        payload.reader("user", FILES["usual"])
        payload.service("reader", f"[Service]\nExecStart=/usr/bin/env python3 /test/reader\n", "nothing.target")
    payload.manifest("manifest.json", [payload.secret("usual", file, restartUnits=["user.service"]), payload.secret("elsewhere", file, path=FILES["elsewhere"])])
    payload.early_manifest([payload.secret("early", file)])
    if program:
        for path in [*payload.units.rglob("sops-*")]:
            path.unlink()
        for snippet, flags, manifest in [("setupSecrets", "", "manifest.json"), ("setupSecretsForUsers", " -ignore-passwd", "manifest-for-users.json")]:
            payload.write(f"test/{snippet}.snippet", SNIPPET.format(flags=flags, manifest=manifest))
