"""Secrets of a user by home-manager, with the user's own systemd: which of the user's units hear of a change, and a key that the system delivers."""

import json
import subprocess

from configuration import prepare
from payload import PROJECT, encrypt, noted, value

HOME = "/home/alice"
LINK = f"{HOME}/.config/sops-nix/secrets"
# A user number that no user of this machine has.
NUMBER = 54321
AS_ALICE = f"setpriv --reuid=alice --regid=alice --init-groups env HOME={HOME} XDG_RUNTIME_DIR=/run/user/{NUMBER}"
# For each unit: its state before the change, the list that names it, and what happens to it.
UNITS = {
    "app": ("active", "restart", ["start"]),
    "web": ("active", "reload", ["reload"]),
    "gone-wrong": ("failed", "restart", ["start"]),
    "idle": ("inactive", "restart", []),
    "stays": ("active", "", []),
}


def tell(lab):
    values = {step: {name: lab.secret(value(f"{step}-{name}")) for name in UNITS} for step in ["first", "second", "third"]}
    deliver_key(lab)
    payload = lab.payload("home-units-to-restart-and-reload")
    payload.with_command()
    lay_out(payload, values)
    machine = lab.container("user")
    machine.start(payload.root)

    def install(step):
        machine.succeed(f"cp /test/{step}.json /test/manifest.json")

    with lab.scenario("20a", "home-manager: the user's own systemd installs the secrets, before the units of the user that wait for them"):
        machine.wait_for_shell()
        machine.succeed(f"useradd --uid {NUMBER} --create-home alice && install -o alice -g alice -m 0400 /test/age.txt {HOME}/age.txt && mkdir -m 0777 /run/notes /run/broken")
        install("first")
        machine.succeed(f"touch /run/broken/gone-wrong; systemctl start user@{NUMBER}")
        machine.wait_until(f"{AS_ALICE} systemctl --user is-active default.target")
        for name, (before, _, _) in UNITS.items():
            found = machine.succeed(f"{AS_ALICE} systemctl --user show -P ActiveState {name}")
            assert found == before, f"{name}: {found}"
        assert machine.succeed("cat /run/notes/app") == noted("start", values["first"]["app"])
        assert machine.succeed(f"stat -Lc %U:%a {LINK}/app") == "alice:400"

    with lab.scenario("20b", "home-manager: each unit of the user hears of a change as it has to, once"):
        machine.succeed("rm -f /run/notes/* /run/broken/*")
        install("second")
        machine.succeed(f"{AS_ALICE} systemctl --user restart sops-nix")
        machine.wait_until(f"[ -z \"$({AS_ALICE} systemctl --user list-jobs --no-legend)\" ]")
        for name, (_, _, events) in UNITS.items():
            said = machine.succeed(f"[ ! -e /run/notes/{name} ] || cat /run/notes/{name}").splitlines()
            assert said == [noted(event, values["second"][name]) for event in events], f"{name}: {said}"

    with lab.scenario("20e", "sops-nix retry by a user: the user's own systemd installs what is missing, and starts what waited"):
        # The place in which home-manager has the units of the user.
        machine.succeed(f"{AS_ALICE} mkdir -p {HOME}/.config/systemd && ln -s /etc/systemd/user {HOME}/.config/systemd/user")
        machine.succeed(f"{AS_ALICE} rm $(readlink -f {LINK}/app)")
        assert "missing\tapp\t" in machine.fail(f"{AS_ALICE} /test/sops-nix status"), "nothing is missing"
        tried = machine.succeed(f"{AS_ALICE} /test/sops-nix retry")
        assert "installed\tuser\talice\tsops-nix.service" in tried.splitlines(), tried
        assert machine.succeed(f"cat {LINK}/app") == values["second"]["app"]

    with lab.scenario("20c", "home-manager: without a user's systemd the secrets are installed, and nobody is asked"):
        machine.succeed(f"systemctl stop user@{NUMBER} user-runtime-dir@{NUMBER}; rm -f /run/notes/*; install -d -o alice -m 0700 /run/user/{NUMBER}")
        install("third")
        said = machine.succeed(f"{AS_ALICE} /test/sops-nix-user.sh")
        assert "error" not in said and "warning" not in said, said
        assert machine.succeed(f"cat {LINK}/app") == values["third"]["app"]
        assert machine.succeed("ls /run/notes") == ""
    machine.cut_power()


def lay_out(payload, values):
    """The user's units, their secrets, and the manifest of each step."""
    prepare(payload)
    user = payload.root / "etc/systemd/user"
    (user / "default.target.wants").mkdir(parents=True)
    for path in payload.units.rglob("sops-nix.service"):
        path.unlink() if path.is_symlink() else path.rename(user / path.name)
    wanted = ["sops-nix"]
    for name, (before, _, _) in UNITS.items():
        payload.write(f"etc/systemd/user/{name}.service",
                      "[Unit]\nAfter=sops-nix.service\n[Service]\nType=oneshot\nRemainAfterExit=true\n"
                      f"ExecStartPre=/usr/bin/test ! -e /run/broken/%N\nExecStart=/test/note start %N {LINK}/%N\n"
                      + (f"ExecReload=/test/note reload %N {LINK}/%N\n" if name == "web" else ""))
        wanted += [name] * (before != "inactive")
    for name in wanted:
        (user / f"default.target.wants/{name}.service").symlink_to(f"../{name}.service")
    for step, texts in values.items():
        file = payload.encrypt(f"{step}.yaml", texts)
        secrets = [payload.secret(name, file, path=f"{LINK}/{name}", restartUnits=[name] * (asked == "restart"), reloadUnits=[name] * (asked == "reload"))
                   for name, (_, asked, _) in UNITS.items()]
        payload.manifest(f"{step}.json", secrets, ageKeyFile=f"{HOME}/age.txt")


# What home-manager runs for a user, as a module of NixOS.
HOME_MANAGER = f"""#!/bin/bash
set -eu
run() {{ "$@"; }}
. /test/home/activation.snippet
"""


def deliver_key(lab):
    """A user whose age key is a secret of the system. It changes, and with it the sops file of the user."""
    values = {step: lab.secret(value(f"{step}-mail")) for step in ["first", "second"]}
    payload = lab.payload("key-of-a-user", "key-payload")
    lay_out_key(payload, values)
    machine = lab.container("key")
    machine.start(payload.root)
    mail = f"{LINK}/mail"

    with lab.scenario("20d", "a user's key from the system: home-manager finds it, the secrets are there when the user's systemd is, and a changed key installs them again"):
        machine.wait_for_shell()
        assert machine.succeed("stat -Lc %U:%a /run/secrets/alice/age-key") == "alice:400"
        said = machine.journal("-u home-manager-alice -o cat")
        assert "the secrets will be installed when the user manager starts" in said, said
        machine.succeed(f"systemctl start user@{NUMBER}")
        machine.wait_until(f"{AS_ALICE} systemctl --user is-active default.target")
        assert machine.succeed(f"cat {mail}") == values["first"]
        machine.succeed("cp /test/second.yaml /test/home/secrets.yaml; cp /test/second.json /test/manifest.json; systemctl restart sops-nix")
        machine.wait_until("[ -z \"$(systemctl list-jobs --no-legend)\" ]")
        assert machine.succeed(f"cat {mail}") == values["second"], machine.journal("-u home-manager-alice -o cat")
        order = machine.property(f"user@{NUMBER}.service", "After").split()
        assert "sops-nix.service" in order, order
    machine.cut_power()


def lay_out_key(payload, values):
    """The units of the system, with the real activation and the real unit of home-manager, and a key and a sops file of the user for each step."""
    prepare(payload)
    home, units = payload.test / "home", payload.root / "etc/systemd/user"
    subprocess.run(["bash", PROJECT / "tests/nix/lay-out.sh", "home-defaults", home, units], check=True)
    for file in [*home.glob("*.sh"), home / "activation.snippet", units / "sops-nix.service"]:
        file.write_text(file.read_text().replace("/test/", "/test/home/").replace("/test/home/program", "/test/program"))
    # NixOS adds what the module sets to systemd's own unit.
    setting = (payload.units / "user@.service").read_text()
    (payload.units / "user@.service").unlink()
    payload.drop_in("user@.service", setting)
    payload.write("test/home/activate", HOME_MANAGER, 0o755)
    payload.drop_in("home-manager-alice.service", "[Service]\nUser=alice\nExecStart=\nExecStart=/test/home/activate\n")
    payload.write("etc/sysusers.d/alice.conf", f"u alice {NUMBER} - {HOME} /bin/bash\n")
    payload.drop_in("systemd-sysusers.service", "[Unit]\nConditionNeedsUpdate=\n")
    payload.write("etc/tmpfiles.d/alice.conf", f"d {HOME} 0700 alice alice\n")
    for step, text in values.items():
        key = subprocess.run(["age-keygen"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=True).stdout
        recipient = next(line.split()[-1] for line in key.splitlines() if line.startswith("# public key:"))
        encrypt(home / f"{step}.yaml" if step == "first" else payload.test / f"{step}.yaml", {"mail": text}, recipient)
        file = payload.encrypt(f"key-{step}.yaml", {"key": key})
        unit = "sops-nix-key-of-alice.service"
        payload.manifest(f"{step}.json", [payload.secret("alice/age-key", file, key="key", owner="alice", uid=0, reloadUnits=[unit])])
    (payload.test / "first.json").rename(payload.test / "manifest.json")
    (home / "first.yaml").rename(home / "secrets.yaml")
    (home / "secrets.yaml").chmod(0o644)
    (payload.test / "second.yaml").chmod(0o644)
    manifest = json.loads((home / "manifest.json").read_text())
    entry = {**manifest["secrets"][0], "name": "mail", "key": "mail", "sopsFile": "/test/home/secrets.yaml", "format": "yaml", "path": f"{LINK}/mail"}
    manifest = {**manifest, "ageKeyFile": "/run/secrets/alice/age-key", "ageSshKeyPaths": [], "sshKeyPaths": [], "gnupgHome": None, "secrets": [entry], "templates": [],
                "symlinkPath": LINK, "secretsMountPoint": "%r/secrets.d"}
    (home / "manifest.json").write_text(json.dumps(manifest))
