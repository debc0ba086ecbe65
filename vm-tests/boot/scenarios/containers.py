"""Secrets in containers: those of the host, bound into them, and those that a container decrypts itself, with and without users of its own."""

import contextlib

from configuration import prepare
from page import expect_rows
from payload import PRIVATE_KEY, value

# The first number of the users that belong only to a container.
USERS = 655360
STEPS = ["first", "second"]
# The directory in which a container has its key. NixOS would cover /run/keys by a mount.
KEY = "/var/lib/sops-nix/key.txt"


def tell(lab):
    of_host(lab)
    own(lab, "18c", "a key that is bound", "activation-with-userborn", None)
    own(lab, "18d", "a key that is a credential", "key-credential-with-userborn", None)
    own(lab, "18e", "a key that is a credential, and users of its own", "key-credential-with-userborn", USERS)


def of_host(lab):
    """The host decrypts, and the container gets the file, the directory, or both."""
    values = {step: lab.secret(value(step)) for step in STEPS}
    same = lab.secret(value("same"))
    host = lab.host()
    payload = plain_payload(lab, "host")
    files = {step: payload.encrypt(f"{step}.yaml", {"db": text, "same": same}) for step, text in values.items()}

    def install(step, **fields):
        field = {name: fields.pop(name) for name in ["uid"] if name in fields}
        secrets = [payload.secret(name, str(payload.root) + files[step], **field) for name in ["db", "same"]]
        payload.manifest(f"{step}.json", secrets, ageKeyFile=f"{payload.test}/age.txt", **fields)
        host.succeed(f"{payload.test}/program {payload.test}/{step}.json")

    with lab.scenario("18a", "secrets of the host in a container: a file keeps its value and a directory loses it, until the container starts again"):
        install("first")
        binds = ("--bind-ro=/run/secrets", "--bind-ro=/run/secrets/db:/run/db", "--bind-ro=/run/secrets/same:/run/same", "--bind-ro=/run/secrets.d")
        with booted(lab.container("bound"), values, payload, binds, host) as container:
            # Ten runs that change nothing: all that is bound stays, the directory included.
            for _ in range(10):
                install("first")
            assert container.succeed("cat /run/secrets/db; echo; cat /run/db; echo; cat /run/secrets/same").split() == [values["first"]] * 2 + [same]
            install("second")
            assert host.succeed("cat /run/secrets/db") == values["second"]
            assert container.succeed("ls /run/secrets; cat /run/db") == values["first"]
            expect_rows({"a container or virtual machine that has the file bound": "the old value; see [containers.md](containers.md)"}, "18a")
            # All generations are in this directory. The generation with the highest number is the newest.
            assert container.succeed("cat /run/secrets.d/2/db") == values["second"]
            # Ten runs in all that change another secret: the file of the one that does not change is the same one, in the container as on the host.
            for number in range(9):
                install(STEPS[number % 2])
            assert container.succeed("cat /run/same") == same
            inode = host.succeed("stat -L -c '%i %h' /run/secrets/same")
            assert container.succeed("stat -c '%i %h' /run/same") == inode and host.succeed("readlink /run/secrets") == "/run/secrets.d/11", inode
            assert container.succeed("cat /run/db") == values["first"]
            install("second")
        with booted(lab.container("bound-again"), values, payload, binds, host) as container:
            assert container.succeed("cat /run/secrets/db; echo; cat /run/db").split() == [values["second"]] * 2
            container.fail("touch /run/secrets/new")

    with lab.scenario("18b", "secrets of the host in a container with users of its own: they belong to nobody, unless their uid or a mapped tmpfs says otherwise"):
        bind = ("--bind-ro=/run/secrets/db:/run/db",)
        with booted(lab.container("private", USERS), values, payload, bind, host) as container:
            assert container.succeed("stat -c %U:%a /run/db") == "nobody:400"
            assert "Permission denied" in container.fail("cat /run/db")
        install("first", uid=USERS)
        with booted(lab.container("private-uid", USERS), values, payload, bind, host) as container:
            assert container.succeed("stat -c %U:%a /run/db; cat /run/db") == f"root:400\n{values['first']}"
        mapped = ("--bind-ro=/run/secrets/db:/run/db:idmap",)
        container = lab.container("private-map", USERS)
        container.start(payload.root, options=mapped, host=host)
        assert container.process.wait(60) != 0 and "Failed to map ids" in log(container)
        container.cut_power()
        host.succeed("umount /run/secrets.d")
        install("second", useTmpfs=True)
        with booted(lab.container("private-tmpfs", USERS), values, payload, mapped, host) as container:
            assert container.succeed("stat -c %U:%a /run/db; cat /run/db") == f"root:400\n{values['second']}"
    host.cut_power()


def own(lab, number, what, case, users):
    """The container decrypts. Its root is gone when it ends, so each start installs anew."""
    values = {step: lab.secret(value(f"{number}-{step}")) for step in STEPS}
    payload = lab.payload(case, f"own-{number}")
    prepare(payload)
    payload.service("app", "[Service]\nType=oneshot\nRemainAfterExit=true\nUser=games\nExecStart=/usr/bin/cat /run/secrets/db\nStandardOutput=file:/tmp/app\n")
    (payload.test / "age.txt").rename(payload.root.with_suffix(".key"))
    key = payload.root.with_suffix(".key")
    by_credential = "credential" in case
    options = (f"--load-credential=sops-age-key:{key}",) if by_credential else (f"--bind-ro={key}:{KEY}",)
    fields = {"ageKeyFile": None} if by_credential else {"ageKeyFile": KEY}
    with lab.scenario(number, f"a container that decrypts its own secrets, with {what}, each time it starts"):
        files = {step: payload.encrypt(f"{step}.yaml", {"db": text}) for step, text in values.items()}
        for step, file in files.items():
            payload.manifest("manifest.json", [payload.secret("db", file, owner="games", group="games")], **fields)
            payload.early_manifest([], **fields)
            with booted(lab.container(f"{number}-{step}", users), values, payload, options) as container:
                said = container.succeed("systemctl status --no-pager sops-nix; echo; cat /tmp/app")
                assert said.endswith(values[step]) and container.property("sops-nix", "Result") == "success", said
                assert container.succeed("stat -c %U:%a /run/secrets/db; findmnt -n -o FSTYPE /run/secrets.d") == "games:400\nramfs"
                # The unit is started again on the running system, as by a switch.
                again = (payload.test / f"{STEPS[-1]}.yaml").read_text()
                container.succeed(f"cat > {file} << 'E'\n{again}\nE\nsystemctl restart sops-nix")
                assert container.succeed("cat /run/secrets/db") == values[STEPS[-1]]


def plain_payload(lab, name):
    """One without our units."""
    payload = lab.payload("activation-with-userborn", name)
    prepare(payload)
    for path in payload.units.rglob("sops-*"):
        path.unlink()
    return payload


@contextlib.contextmanager
def booted(container, values, payload, options, host=None):
    """A container that runs, and in whose log there was no secret when it has ended."""
    container.start(payload.root, options=options, host=host)
    try:
        container.wait_for_shell()
        yield container
    finally:
        container.cut_power()
    for text in [*values.values(), PRIVATE_KEY]:
        assert text not in log(container)


def log(container):
    return (container.directory / "console.log").read_text(errors="replace")
