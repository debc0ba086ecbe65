"""What readers of secrets see after a change, with the real systemd: files bound elsewhere, credentials, path units, and watch files."""

import time

from configuration import prepare
from payload import value

STEPS = ["first", "second"]
WATCH = "/run/sops-nix/changed"
# Path units: what each watches.
PATHS = {
    "on-secret": "/run/secrets/a",
    "on-link": "/run/secrets",
    "on-watch-file": f"{WATCH}/secrets.d/a",
    "on-watch-file-of-other": f"{WATCH}/secrets.d/b",
    "on-watch-file-of-phase": f"{WATCH}/secrets",
}
# Services that run all the time: the setting by which each gets the secret `a`, and where it finds it.
HOLDERS = {
    "bound-elsewhere": ("BindReadOnlyPaths=/run/secrets/a:/srv/a", "/srv/a"),
    "directory-elsewhere": ("BindReadOnlyPaths=/run/secrets:/srv/s", "/srv/s/a"),
    "bound-onto-itself": ("BindReadOnlyPaths=/run/secrets/a", "/run/secrets/a"),
    "credential": ("LoadCredential=a:/run/secrets/a", "/run/credentials/credential.service/a"),
    "opens-by-path": ("", "/run/secrets/a"),
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
        old = dict.fromkeys(["bound-elsewhere", "credential"], values["first"])
        assert seen(machine) == {**dict.fromkeys(HOLDERS, values["second"]), **old, "directory-elsewhere": None}, seen(machine)
        machine.succeed("systemctl restart " + " ".join(HOLDERS))
        assert seen(machine) == {name: values["second"] for name in HOLDERS}, seen(machine)

    with lab.scenario("24b", "path units: one on a watch file fires once for a change, one on a secret or on the link never"):
        fired = {"on-watch-file": 1, "on-watch-file-of-phase": 1}
        assert notes(machine) == fired, notes(machine)
        install(machine, "second")
        assert notes(machine) == fired, notes(machine)
        install(machine, "first")
        assert notes(machine) == {"on-watch-file": 2, "on-watch-file-of-phase": 2}, notes(machine)
    machine.cut_power()


def lay_out(payload, values, other):
    """Manifests in which the secret `a` changes and `b` does not, services that have `a`, and path units."""
    for step, text in values.items():
        file = payload.encrypt(f"{step}.yaml", {"a": text, "b": other})
        secrets = [payload.secret(name, file, watchFile=f"{WATCH}/secrets.d/{name}") for name in ["a", "b"]]
        payload.manifest(f"{step}.json", secrets, watchFile=f"{WATCH}/secrets", keepGenerations=1)
    payload.write("test/manifest.json", (payload.test / "first.json").read_text())
    payload.early_manifest([])
    for name, (setting, _) in HOLDERS.items():
        payload.service(name, f"After=sops-nix.service\n[Service]\n{setting}\nExecStart=/bin/sleep infinity\n")
    for name, path in PATHS.items():
        payload.write(f"etc/systemd/system/{name}.service", f"[Service]\nType=oneshot\nExecStart=/bin/sh -c 'mkdir -p /run/notes; echo >> /run/notes/{name}'\n")
        payload.write(f"etc/systemd/system/{name}.path", f"[Unit]\nAfter=sops-nix.service\n[Path]\nPathModified={path}\n")
        wants = payload.units / "multi-user.target.wants"
        (wants / f"{name}.path").symlink_to(f"../{name}.path")


def install(machine, step):
    """Installs a manifest, and waits until nothing more happens because of it."""
    machine.succeed(f"cp /test/{step}.json /test/manifest.json; systemctl restart sops-nix")
    # A path unit that were to fire would do so at once.
    time.sleep(1)
    machine.wait_until("[ -z \"$(systemctl list-jobs --no-legend)\" ]")


def seen(machine):
    """What each service reads now: the value, or nothing where there is no file."""
    return {name: read(machine, name, path) for name, (_, path) in HOLDERS.items()}


def read(machine, name, path):
    process = machine.property(name, "MainPID")
    code, output = machine.run(f"cat /proc/{process}/root{path}")
    return output if code == 0 else None


def notes(machine):
    """How often each path unit has fired."""
    lines = machine.run("cd /run/notes && wc -l * | grep -v total")[1].split("\n")
    return {name: int(count) for count, name in (line.split() for line in lines if line)}
