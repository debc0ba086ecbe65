"""sops-nix.target, where one secret cannot be decrypted at boot; units that sockets start; and a restart that systemd refuses."""

import payload as payloads
from configuration import prepare
from payload import noted, value

ONESHOT = "[Service]\nType=oneshot\nRemainAfterExit=true\n"
ECHO = "[Socket]\nListenStream=/run/{name}.socket\n"


def tell(lab):
    texts = {name: lab.secret(value(name)) for name in ["good", "bad"]}
    payload = lab.payload("activation-with-userborn")
    prepare(payload)
    files = {"good": payload.encrypt("good.yaml", texts), "bad": payload.encrypt("bad.yaml", texts, payloads.OTHER_RECIPIENT)}
    units = {"good": [], "bad": ["running.service", "waiting.service", "running.socket", "waiting.socket"]}
    for name in ["broken", "mended", "changed"]:
        payload.manifest(f"{name}.json", [payload.secret(secret, files["good" if name != "broken" else secret], restartUnits=units[secret],
                                                         mode="0440" if name == "changed" else "0400") for secret in texts])
    payload.write("test/manifest.json", (payload.test / "broken.json").read_text())
    payload.early_manifest([])
    payload.service("needs-all", "Wants=sops-nix.target\nRequisite=sops-nix.target\nAfter=sops-nix.target\n" + ONESHOT + "ExecStart=/test/note start needs-all /run/secrets/bad\n")
    payload.service("needs-good", ONESHOT + "ExecStart=/test/note start needs-good /run/secrets/good\n")
    for name in ["running", "waiting"]:
        payload.write(f"etc/systemd/system/{name}.service", f"{ONESHOT}ExecStart=/test/note start {name} /run/secrets/bad\n")
        payload.write(f"etc/systemd/system/{name}.socket", ECHO.format(name=name))
    payload.write("etc/systemd/system/odd.service", f"{ONESHOT}ExecStart=/bin/true\n")
    machine = lab.container("target")
    machine.start(payload.root)

    with lab.scenario("19a", "one broken secret at boot: sops-nix.target is not reached, and shows what is missing; what needs it does not start, all else does"):
        machine.wait_for_shell()
        states(machine, {"sops-nix.service": "failed", "sops-nix.target": "inactive", "needs-all": "inactive", "needs-good": "active", "multi-user.target": "active"})
        said = machine.journal("-o cat; systemctl list-dependencies --plain --state=failed sops-nix.target")
        assert "Dependency failed for sops-nix.target - All secrets of sops files" in said, said
        assert "Dependency failed for needs-all.service" in said, said
        assert said.splitlines()[-1].strip() == "sops-nix.service", said
        assert "good.yaml" not in machine.succeed("systemctl status --no-pager --lines=30 sops-nix || true")
        assert "cannot decrypt /test/bad.yaml (needed by secret bad)" in machine.succeed("systemctl status --no-pager --lines=30 sops-nix || true")
        assert "Dependency failed" in machine.succeed("systemctl status --no-pager sops-nix.target needs-all || true")

    with lab.scenario("19b", "when the secret is repaired, what needs sops-nix.target starts with it"):
        machine.succeed("cp /test/mended.json /test/manifest.json; systemctl restart sops-nix")
        # A unit that could not start at boot does not start by itself.
        states(machine, {"sops-nix.service": "active", "sops-nix.target": "inactive", "needs-all": "inactive"})
        machine.succeed("systemctl start default.target")
        states(machine, {"sops-nix.target": "active", "needs-all": "active"})
        assert machine.succeed("cat /run/notes/needs-all") == noted("start", texts["bad"])
        # With the target, a person can start everything that is missing without knowing the names of services.
        machine.succeed("systemctl stop sops-nix sops-nix.target; systemctl start sops-nix.target")
        states(machine, {"sops-nix.service": "active", "sops-nix.target": "active"})

    with lab.scenario("19c", "units that sockets start: one that runs is restarted, one that waits goes on waiting, and the sockets go on listening"):
        machine.succeed("systemctl start running.socket waiting.socket running.service; rm -f /run/notes/*")
        machine.succeed("cp /test/changed.json /test/manifest.json; systemctl restart sops-nix")
        machine.wait_until("[ -z \"$(systemctl list-jobs --no-legend)\" ]")
        states(machine, {"running.service": "active", "waiting.service": "inactive", "running.socket": "active", "waiting.socket": "active"})
        assert machine.succeed("cat /run/notes/*") == noted("start", texts["bad"])
        assert machine.succeed("systemctl --failed --plain --no-legend") == ""

    with lab.scenario("19d", "a restart after a switch that systemd refuses: the journal says so and what to type, and no unit of it stays"):
        machine.succeed("systemctl start odd; mkdir -p /run/nixos; echo odd.service > /run/nixos/activation-restart-list")
        machine.succeed("echo '[Service]' > /etc/systemd/system/odd.service; systemctl daemon-reload; systemctl restart sops-nix")
        machine.wait_until("! ls /run/nixos/activation-* 2> /dev/null && [ -z \"$(systemctl list-units --all --plain --no-legend 'sops-nix-requests-*')\" ]")
        said = machine.journal("-o cat -u 'sops-nix-requests-*'")
        assert "try-restart failed with exit status: 1" in said and "run: systemctl try-restart odd.service" in said, said
        assert machine.property("odd", "ActiveState") == "active"
    machine.cut_power()


def states(machine, wanted):
    found = {unit: machine.property(unit, "ActiveState") for unit in wanted}
    assert found == wanted, found
