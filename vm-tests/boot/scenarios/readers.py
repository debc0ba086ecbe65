"""What readers of secrets see after a change, with the real systemd: files bound elsewhere, credentials, path units, and watch files."""

import base64
import time

from configuration import prepare
from page import expect_rows
from payload import placeholder, value

STEPS = ["first", "second"]
WATCH = "/run/sops-nix/changed"
# Path units: what each watches.
PATHS = {
    "on-secret": "PathModified=/run/secrets/a",
    "on-secret-changed": "PathChanged=/run/secrets/a",
    "on-link": "PathModified=/run/secrets",
    "on-link-changed": "PathChanged=/run/secrets",
    "on-watch-file": f"PathModified={WATCH}/secrets.d/a",
    "on-watch-file-changed": f"PathChanged={WATCH}/secrets.d/a",
    "on-watch-file-of-other": f"PathModified={WATCH}/secrets.d/b",
    "on-watch-file-of-other-changed": f"PathChanged={WATCH}/secrets.d/b",
    "on-watch-file-of-phase": f"PathModified={WATCH}/secrets",
    "on-watch-file-of-phase-changed": f"PathChanged={WATCH}/secrets",
}
WATCHING = [name for name, setting in PATHS.items() if WATCH in setting]
# Those that fire when the secret `a` changes.
FIRING = ["on-watch-file", "on-watch-file-changed", "on-watch-file-of-phase", "on-watch-file-of-phase-changed"]
CREDENTIAL = "/run/credentials/credential.service/a"
# Services that run all the time: the settings by which each gets the secret `a`, and how to read what it has. PROCESS is its process.
HOLDERS = {
    "opens-by-path": ("", "cat /proc/PROCESS/root/run/secrets/a"),
    "holds-open": ("ExecStart=/bin/sh -c 'exec sleep infinity < /run/secrets/a'", "cat /proc/PROCESS/fd/0"),
    "credential": (f"LoadCredential=a:/run/secrets/a\nExecReload=/bin/sh -c 'cat {CREDENTIAL} > /run/reloaded'", f"cat /proc/PROCESS/root{CREDENTIAL}"),
    "environment": ("EnvironmentFile=/run/secrets/rendered/a.env", "tr '\\0' '\\n' < /proc/PROCESS/environ | sed -n 's/^A=//p' | tr -d '\\n'"),
    "bound-onto-itself": ("BindReadOnlyPaths=/run/secrets/a", "cat /proc/PROCESS/root/run/secrets/a"),
    "bound-elsewhere": ("BindReadOnlyPaths=/run/secrets/a:/srv/a", "cat /proc/PROCESS/root/srv/a"),
    "directory-elsewhere": ("BindReadOnlyPaths=/run/secrets:/srv/s", "cat /proc/PROCESS/root/srv/s/a"),
}
# Values of which systemd makes something else in a plain dotenv file.
HARD = ["a\nb", "#h", 'q"q\'q', "ends in \\", " blanks\t ", "$HOME ${x} `id`", "-----BEGIN-----\nAA==\n-----END-----\n", ""]
# What the first table of the page calls them.
READERS = {
    "opens-by-path": "opens `/run/secrets/NAME`, or a symlink to it, again",
    "holds-open": "holds the file open",
    "credential": "`LoadCredential=`, also in `ExecReload=`",
    "environment": "`EnvironmentFile=`",
    "bound-onto-itself": "`BindReadOnlyPaths=/run/secrets/NAME` (onto itself)",
    "bound-elsewhere": "`BindReadOnlyPaths=/run/secrets/NAME:/elsewhere`",
    "directory-elsewhere": "`BindReadOnlyPaths=/run/secrets:/elsewhere`",
}
# What its second table calls what path units watch, and those units.
WATCHED = {
    "`/run/secrets/NAME`": ["on-secret", "on-secret-changed"],
    "`/run/secrets`": ["on-link", "on-link-changed"],
    "the watch file of the secret": ["on-watch-file", "on-watch-file-changed"],
    "the watch file of the phase": ["on-watch-file-of-phase", "on-watch-file-of-phase-changed"],
    "the watch file of another secret": ["on-watch-file-of-other", "on-watch-file-of-other-changed"],
}


def tell(lab):
    values = {step: lab.secret(value(step)) for step in STEPS}
    payload = lab.payload("activation-with-userborn")
    prepare(payload)
    lay_out(payload, values, lab.secret(value("other")))
    machine = lab.container("readers")
    machine.start(payload.root)

    with lab.scenario("24a", "readers of a changed secret: who sees the new value, who the old one, and who none, as docs/readers.md says"):
        machine.wait_for_shell()
        assert seen(machine) == {name: values["first"] for name in HOLDERS}, seen(machine)
        install(machine, "second")
        after = seen(machine)
        old = dict.fromkeys(["holds-open", "credential", "environment", "bound-elsewhere"], values["first"])
        assert after == {**dict.fromkeys(HOLDERS, values["second"]), **old, "directory-elsewhere": None}, after
        assert machine.succeed("systemctl reload credential; cat /run/reloaded") == values["first"]
        machine.succeed("systemctl restart " + " ".join(HOLDERS))
        restarted = seen(machine)
        assert restarted == {name: values["second"] for name in HOLDERS}, restarted
        # The page says the same.
        words = {values["second"]: "the new value", values["first"]: "the old value", None: "**no file**"}
        expect_rows({what: words[after[name]] + until(name, after, restarted) for name, what in READERS.items()}, "24a")

    with lab.scenario("24b", "path units: one on a watch file fires once for a change and not for an unchanged run, one on a secret or on the link does not fire"):
        # The old file was removed, which a unit on the secret may or may not see: it depends on whether it had seen the swap before.
        fired = notes(machine)
        assert {name: fired[name] for name in WATCHING} == {**dict.fromkeys(WATCHING, 0), **dict.fromkeys(FIRING, 1)}, fired
        install(machine, "second")
        assert notes(machine) == fired, notes(machine)
        install(machine, "kept")
        once = since(fired, machine)
        assert once == dict.fromkeys(FIRING, 1), (fired, notes(machine))
        install(machine, "kept")
        assert since(fired, machine) == once, (fired, notes(machine))
        # The page says the same.
        words = {(0, 0): "never", (1, 1): "once"}
        expect_rows({what: words[tuple(once.get(name, 0) for name in names)] for what, names in WATCHED.items()}, "24b")
        # Whoever watches need not be root, and learns nothing of the secret.
        text = machine.succeed(f"setpriv --reuid=65534 --clear-groups cat {WATCH}/secrets.d/a {WATCH}/secrets")
        assert "sops-install-secrets file" in text and not any(value in text for value in values.values()), text

    with lab.scenario("24c", "a file of variables that is written for systemd: EnvironmentFile gives back each value, byte for byte"):
        machine.succeed("cp /test/variables.json /test/manifest.json; systemctl reset-failed sops-nix; systemctl restart sops-nix; systemctl start variables")
        variables = base64.b64decode(machine.succeed("cat /run/variables")).decode().split("\0")
        assert [text for text in variables if text.startswith("HARD_")] == [f"HARD_{number}={text}" for number, text in enumerate(HARD)], variables
    machine.cut_power()


def lay_out(payload, values, other):
    """Manifests in which the secret `a` changes and `b` does not, services that have `a`, and path units."""
    for step, text in values.items():
        file = payload.encrypt(f"{step}.yaml", {"a": text, "b": other})
        secrets = [payload.secret(name, file, watchFile=f"{WATCH}/secrets.d/{name}") for name in ["a", "b"]]
        templates = [payload.template("a.env", f"A={placeholder('a')}\n")]
        payload.manifest(f"{step}.json", secrets, templates, watchFile=f"{WATCH}/secrets", keepGenerations=1)
        if step == "first":
            # The same, and no older generation is removed.
            payload.manifest("kept.json", secrets, templates, watchFile=f"{WATCH}/secrets", keepGenerations=0)
    payload.write("test/manifest.json", (payload.test / "first.json").read_text())
    names = [f"hard-{number}" for number in range(len(HARD))]
    hard = payload.encrypt("hard.yaml", dict(zip(names, HARD)))
    lines = "".join(f"HARD_{number}={placeholder(name)}\n" for number, name in enumerate(names))
    secrets = [payload.secret(name, hard) for name in names]
    payload.manifest("variables.json", secrets, [payload.template("variables.env", lines, **{"as": "systemd-env"})], keepGenerations=1)
    payload.write("etc/systemd/system/variables.service", "[Service]\nType=oneshot\nEnvironmentFile=/run/secrets/rendered/variables.env\n"
                  "ExecStart=/usr/bin/base64 -w0 /proc/self/environ\nStandardOutput=file:/run/variables\n")
    payload.early_manifest([])
    for name, (setting, _) in HOLDERS.items():
        command = "" if "ExecStart=" in setting else "ExecStart=/bin/sleep infinity\n"
        payload.service(name, f"After=sops-nix.service\n[Service]\n{setting}\n{command}")
    for name, setting in PATHS.items():
        payload.write(f"etc/systemd/system/{name}.service", f"[Service]\nType=oneshot\nExecStart=/bin/sh -c 'mkdir -p /run/notes; echo >> /run/notes/{name}'\n")
        payload.write(f"etc/systemd/system/{name}.path", f"[Unit]\nAfter=sops-nix.service\n[Path]\n{setting}\n")
        wants = payload.units / "multi-user.target.wants"
        (wants / f"{name}.path").symlink_to(f"../{name}.path")


def install(machine, step):
    """Installs a manifest, and waits until nothing more happens because of it."""
    machine.succeed(f"cp /test/{step}.json /test/manifest.json; systemctl reset-failed sops-nix; systemctl restart sops-nix")
    # A path unit that were to fire would do so at once.
    time.sleep(1)
    machine.wait_until("[ -z \"$(systemctl list-jobs --no-legend)\" ]")


def seen(machine):
    """What each service has now: the value, or nothing where there is no file."""
    return {name: read(machine, name, command) for name, (_, command) in HOLDERS.items()}


def read(machine, name, command):
    code, output = machine.run(command.replace("PROCESS", machine.property(name, "MainPID")))
    return output if code == 0 else None


def until(name, after, restarted):
    """What a cell says of a reader that has the new value only after a restart."""
    if after[name] == restarted[name]:
        return ""
    return ", until it opens the file again" if name == "holds-open" else ", until the unit restarts"


def notes(machine):
    """How often each path unit has fired."""
    lines = machine.run("cd /run/notes && wc -l * | grep -v total")[1].split("\n")
    return {**dict.fromkeys(PATHS, 0), **{name: int(count) for count, name in (line.split() for line in lines if line)}}


def since(before, machine):
    """Those path units that have fired since, and how often."""
    return {name: count - before[name] for name, count in notes(machine).items() if count > before[name]}
