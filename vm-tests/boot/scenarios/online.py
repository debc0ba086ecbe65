"""The network comes late, and only a key service in it opens a secret: a real `sops keyservice` on the machine of the tests, behind the network card of the emulator."""

import contextlib
import os
import shutil
import socket
import subprocess

import machine
from payload import PROJECT, noted, value
from scenarios.script import STAGE_2

ENGINE = PROJECT / "tests/nix/files/vault.py"
# What network-online.target waits for is the real unit of systemd.
NETWORK = "[Match]\nType=ether\n[Network]\nAddress=10.0.2.15/24\nLinkLocalAddressing=no\nIPv6AcceptRA=no\n"
CASES = {"unit": "key-service-that-boots", "script": "key-service-that-boots-by-script"}


def tell(lab):
    texts = {name: lab.secret(value(name)) for name in ["here", "late"]}
    with services() as (engine, keyservice):
        for number, way in [("29a", "unit"), ("29b", "script")]:
            host = lab.machine(way)
            host.has_network = True
            boot(lab, host, way, texts, engine, keyservice)
            with lab.scenario(number, f"the network comes late: a secret of a key service is deferred, and comes with it (by {way})"):
                without_network(host, way, texts)
                host.set_cable(True)
                with_network(host, texts)
                host.shut_down()
                lab.search_for_leaks(host)


def boot(lab, host, way, texts, engine, keyservice):
    """Starts a host."""
    payload = lab.payload(CASES[way], f"payload-{way}")
    add_program(payload)
    late = payload.encrypt("late.yaml", {"late": texts["late"]}, to=["--hc-vault-transit", f"{engine}/v1/a/b/keys/sops"], environment={**os.environ, "VAULT_TOKEN": "hvs.good"})
    asked = {"program": "/test/sops-key-services", "addresses": [f"tcp://10.0.2.2:{keyservice}"], "allowedEndpoints": [engine], "timeout": 20}
    payload.manifest("manifest.json", [payload.secret("here", payload.encrypt("here.yaml", {"here": texts["here"]}), restartUnits=[]),
                                       payload.secret("token", late, key="late", restartUnits=["app.service"])], keyServices=asked)
    payload.early_manifest([])
    (payload.units / "vault.service").unlink()
    shutil.rmtree(payload.units / "network-online.target.wants")
    # The case orders it behind the secret.
    (payload.units / "app.service").write_text("[Service]\nType=oneshot\nRemainAfterExit=true\nExecStart=/test/note start app /run/secrets/token\n")
    payload.service("other", "[Service]\nType=oneshot\nRemainAfterExit=true\nExecStart=/test/note start other /run/secrets/here\n")
    payload.write("etc/systemd/network/card.network", NETWORK)
    for unit, target in [("systemd-networkd", "multi-user"), ("systemd-networkd-wait-online", "network-online")]:
        wants = payload.units / f"{target}.target.wants"
        wants.mkdir(exist_ok=True)
        for place in [payload.units / f"{unit}.service", wants / f"{unit}.service"]:
            place.symlink_to(f"/lib/systemd/system/{unit}.service")
    (payload.units / "default.target").symlink_to("multi-user.target")
    init = "/sbin/init"
    if way == "script":
        init = "/test/stage-2"
        payload.write("test/stage-2", STAGE_2, 0o755)
        payload.write("test/activate", "#!/bin/bash\n. /test/setupSecrets.snippet\n", 0o755)
    host.start(payload.archive(), init=init)


def add_program(payload):
    """The program that asks key services, with the libraries of this machine."""
    program = machine.program_for_key_services()
    subprocess.run(["strip", "-o", payload.test / "asks", program], check=True)
    libraries = payload.test / "libraries"
    libraries.mkdir()
    said = subprocess.run(["ldd", program], stdout=subprocess.PIPE, text=True, check=True).stdout
    for path in [word for line in said.splitlines() for word in line.split() if word.startswith("/")]:
        shutil.copy(path, libraries)
    payload.write("test/sops-key-services", "#!/bin/sh\nexec /test/libraries/ld-linux-*.so.* --library-path /test/libraries /test/asks \"$@\"\n", 0o755)


def without_network(host, way, texts):
    """What is there before the network."""
    host.wait_for_shell()
    host.wait_until("[ -e /run/notes/other ]")
    assert host.succeed("cat /run/secrets/here") == texts["here"]
    assert host.succeed("cat /run/notes/other") == noted("start", texts["here"])
    host.fail("ls /run/secrets/token")
    # The network is waited for, and the service waits with it.
    states = {unit: host.property(unit, "ActiveState") for unit in ["network-online.target", "systemd-networkd-wait-online", "sops-nix-online", "app", "sops-nix"]}
    assert states == {"network-online.target": "inactive", "systemd-networkd-wait-online": "activating", "sops-nix-online": "inactive", "app": "inactive", "sops-nix": "active"}, states
    assert host.succeed("ls /run/notes") == "other"
    # What the script has said, the unit says again.
    said = host.journal("-o cat -u sops-nix")
    assert "deferred until sops-nix-online.service, which asks key services: token (used by app.service)" in said, said
    assert (b"setting up secrets..." in host.console.log.read_bytes()) == (way == "script")
    assert host.succeed("readlink /run/secrets") == "/run/secrets.d/1"


def with_network(host, texts):
    """What comes with the network."""
    host.wait_until("[ $(systemctl show app -P ActiveState) = active ]")
    assert host.succeed("cat /run/secrets/token") == texts["late"]
    # It has started once, with its secret.
    assert host.succeed("cat /run/notes/app") == noted("start", texts["late"])
    assert host.succeed("cat /run/notes/other") == noted("start", texts["here"])
    host.wait_until("[ -z \"$(systemctl list-jobs --no-legend)\" ]")
    assert host.succeed("systemctl --failed --plain --no-legend") == ""
    journal = host.journal("-o cat")
    assert "ordering cycle" not in journal, journal
    assert host.property("sops-nix-online", "Result") == "success"


@contextlib.contextmanager
def services():
    """A key service that has the credentials, and the engine that it asks: the address of the engine, and the port of the service."""
    ports = [free_port(), free_port()]
    engine, address = f"http://127.0.0.1:{ports[0]}", f"127.0.0.1:{ports[1]}"
    sops = os.environ.get("SOPS") or "sops"
    commands = [["python3", "-c", ENGINE.read_text().replace("8200", str(ports[0]))], [sops, "keyservice", "--network", "tcp", "--address", address]]
    running = [subprocess.Popen(command, env={**os.environ, "VAULT_TOKEN": "hvs.good"}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) for command in commands]
    try:
        for port in ports:
            machine.until(lambda: answers(port), f"port {port}")  # noqa: B023
        yield engine, ports[1]
    finally:
        for process in running:
            process.kill()
            process.wait()


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def answers(port):
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0
