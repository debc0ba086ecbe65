"""A host that goes back: to the configuration before, by a boot and by a switch, and to the generation of secrets before, by sops-nix rollback."""

import shutil

import machine as machines
from clients import clients
from configuration import boot_into, install_client, keep, prepare
from payload import noted, value

# The secrets of each configuration: one whose value is another one, one that stays, and one that only this configuration has.
SECRETS = {"one": ["changed", "same", "former"], "two": ["changed", "same", "added"]}


def tell(lab):
    code = next(iter(clients().values()))
    same = lab.secret(value("same"))
    values = {name: {secret: same if secret == "same" else lab.secret(value(f"{name}-{secret}")) for secret in secrets} for name, secrets in SECRETS.items()}
    payload = host(lab, code, values)
    go_back(lab, payload, values)
    boot_older(lab, payload, values)


def go_back(lab, payload, values):
    """A host that runs the newer configuration."""
    machine = lab.container("newer")
    machine.start(payload.root, init="/system/two/stage-2")
    with lab.scenario("25a", "a switch to an older configuration installs the secrets of that one, and restarts what it has to"):
        machine.wait_for_shell()
        installed(machine, values["two"])
        notes(machine)
        for name in ["one", "two"]:
            switch(machine, name)
            installed(machine, values[name])
            assert notes(machine) == {"changed": noted("start", values[name]["changed"])}
    with lab.scenario("25b", "sops-nix rollback: the generation before is live, its reader is restarted, and the next run installs what is configured"):
        code, said = machine.run("/test/sops-nix rollback")
        assert code == 1 and 'generation 2 lacks "added"' in said, said
        installed(machine, values["two"])
        said = machine.succeed("/test/sops-nix rollback --yes")
        assert said == "live\tsystem\t\t2\t3\tsystemctl restart sops-nix", said
        installed(machine, values["one"])
        machine.wait_until("[ -z \"$(systemctl list-jobs --no-legend)\" ]")
        assert notes(machine) == {"changed": noted("start", values["one"]["changed"])}
        code, said = machine.run("/test/sops-nix status")
        assert "rollback\tsystem\t\t3" in said, said
        machine.succeed("systemctl restart sops-nix")
        installed(machine, values["two"])
        assert "rollback\t" not in machine.succeed("/test/sops-nix status")
    machine.cut_power()


def boot_older(lab, payload, values):
    """The same host, for which the older configuration was chosen in the boot menu."""
    machine = lab.container("older")
    machine.start(payload.root, init="/system/one/stage-2")
    with lab.scenario("25c", "a boot into an older configuration installs the secrets of that one"):
        machine.wait_for_shell()
        installed(machine, values["one"])
        assert notes(machine) == {name: noted("start", values["one"][name]) for name in ["changed", "same"]}
    machine.cut_power()


def installed(machine, values):
    """Fails unless these secrets are there, and no others."""
    for name, text in values.items():
        assert machine.succeed(f"cat /run/secrets/{name}") == text, name
    assert machine.succeed("cd /run/secrets && find . -type f | sort").split() == sorted(f"./{name}" for name in values)


def notes(machine):
    """What the readers have noted since the last look."""
    files = machine.run("ls /run/notes 2> /dev/null")[1].split()
    found = {name: machine.succeed(f"cat /run/notes/{name}") for name in files}
    machine.succeed("rm -f /run/notes/*")
    return found


def switch(machine, name):
    machine.succeed(f"/system/{name}/bin/switch-to-configuration switch")
    machine.wait_until("[ -z \"$(systemctl list-jobs --no-legend)\" ] && ! systemctl is-active -q 'sops-nix-requests*'")


def host(lab, client, values):
    """The files of a host with two configurations."""
    payload = lab.payload("activation-with-userborn")
    prepare(payload)
    install_client(payload, client)
    # The command finds the manifest by the name of the program in the scripts.
    (payload.test / "program").rename(payload.test / "sops-install-secrets")
    for script in [*payload.test.glob("*.sh"), *payload.test.glob("*.check")]:
        script.write_text(script.read_text().replace("/test/program", "/test/sops-install-secrets"))
    shutil.copy(machines.program().with_name("sops-nix"), payload.test)
    for name in ["changed", "same"]:
        payload.reader(name, f"/run/secrets/{name}")
    payload.early_manifest([])
    for name, texts in values.items():
        file = payload.encrypt(f"{name}.yaml", texts)
        secrets = [payload.secret(secret, file, restartUnits=[f"{secret}.service"] if secret in ["changed", "same"] else []) for secret in texts]
        payload.manifest("manifest.json", secrets, keepGenerations=3)
        keep(payload, name)
    boot_into(payload, "two")
    return payload
