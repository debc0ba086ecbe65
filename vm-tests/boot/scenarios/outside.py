"""A switch to the configuration that is running, after its sops file, which is not in the store, has changed."""

from clients import clients
from configuration import boot_into, install_client, keep, prepare
from payload import noted, value

KINDS = {"a": ("script", "activation-by-scripts"), "b": ("unit", "files-outside-the-store")}


def tell(lab):
    for client, code in clients().items():
        for letter, (way, case) in KINDS.items():
            switch(lab, f"22{letter}", way, case, client, code)


def switch(lab, number, way, case, client, code):
    old, new = [{name: lab.secret(value(f"{when}-{name}")) for name in ["regular", "early"]} for when in ["old", "new"]]
    machine = lab.container(f"{number}-{client}")
    machine.start(host(lab, f"{number}-{client}", case, code, old, new), init="/system/only/stage-2")
    with lab.scenario(number, f"secrets by {way}, {client}: a switch installs what has changed in a file outside the store, as its dry run said"):
        machine.wait_for_shell()
        machine.succeed("rm -f /run/notes/*; cp /test/new.yaml /test/secrets.yaml")
        said = machine.succeed("/system/only/bin/switch-to-configuration dry-activate")
        assert "would modify secret: regular" in said and "would modify secret: early" in said, said
        machine.fail("ls /run/notes/*")
        # At the first switch after a boot, the target that a switch restarts is not active. At the second switch, it is active.
        for values in [new, old]:
            said = machine.succeed("/system/only/bin/switch-to-configuration switch")
            machine.wait_until("[ -z \"$(systemctl list-jobs --no-legend)\" ] && ! systemctl is-active -q 'sops-nix-requests*'")
            assert machine.succeed("cat /run/notes/user; rm /run/notes/user") == noted("start", values["regular"]), said
            assert machine.succeed("cat /run/secrets-for-users/early") == values["early"], said
            machine.succeed("cp /test/old.yaml /test/secrets.yaml")
    machine.cut_power()


def host(lab, name, case, client, old, new):
    """The files of a host with one configuration; returns where they are."""
    payload = lab.payload(case, name)
    prepare(payload)
    install_client(payload, client)
    for file, values in [("secrets.yaml", old), ("old.yaml", old), ("new.yaml", new)]:
        payload.encrypt(file, values)
    payload.manifest("manifest.json", [payload.secret("regular", "/test/secrets.yaml", restartUnits=["user.service"])])
    payload.early_manifest([payload.secret("early", "/test/secrets.yaml")])
    payload.reader("user", "/run/secrets/regular")
    keep(payload, "only")
    boot_into(payload, "only")
    return payload.root
