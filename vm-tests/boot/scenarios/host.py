"""The commands of sops-nix for a host, with the real systemd: what they say and do when a key is late, and when all is well."""

import json
import re
import shutil

import machine as machines
from configuration import prepare
from payload import value

ONESHOT = "[Service]\nType=oneshot\nRemainAfterExit=true\n"
KEY = "/var/lib/sops-nix/key.txt"


def tell(lab):
    texts = {name: lab.secret(value(name)) for name in ["db", "port"]}
    payload = lab.payload("activation-with-userborn")
    prepare(payload)
    lay_out(payload, texts)
    machine = lab.container("host")
    machine.start(payload.root)
    said = []

    def sops_nix(command, code=0):
        """What a command prints, and its exit code, which is to be `code`."""
        found, output = machine.run(f"/test/sops-nix {command}")
        said.append(output)
        assert found == code, f"{command}: exit code {found}: {output}"
        return output

    with lab.scenario("23a", "a key that comes late: status says what is missing, doctor why, retry installs it and starts what waited"):
        machine.wait_for_shell()
        states(machine, {"sops-nix": "failed", "sops-nix.target": "inactive", "reads": "failed", "needs-all": "inactive", "stopped": "inactive"})
        missing = sops_nix("status", 1)
        assert "secret\tsystem\t\tmissing\tdb" in missing and "not all is there as the configuration says: \"db\", \"port\"" in missing, missing
        found = sops_nix("doctor", 1)
        assert "finding\tkey\t" in found and KEY in found, found
        assert 'finding\tunit\tunit "sops-nix.service" has failed' in found, found
        machine.succeed(f"mkdir -p /var/lib/sops-nix && cp /test/age.txt {KEY}")
        tried = sops_nix("retry")
        assert "system  sops-nix.service: installed" in tried, tried
        assert sorted(re.findall("started (.*)", tried)) == ["needs-all.service"], tried
        machine.wait_until("[ -z \"$(systemctl list-jobs --no-legend)\" ]")
        states(machine, {"sops-nix": "active", "sops-nix.target": "active", "reads": "active", "needs-all": "active", "stopped": "inactive"})
        again = sops_nix("retry")
        assert "all is there" in again and "started" not in again, again

    with lab.scenario("23b", "a healthy host: status and doctor find nothing, explain and who-reads find the real readers"):
        # systemd starts this one anew a second after each failure, so it may still be on its way.
        machine.wait_until("[ /proc/$(systemctl show holds -p MainPID --value)/fd/3 -ef /run/secrets/db ]")
        status = json.loads(sops_nix("status --json"))
        system = next(phase for phase in status["phases"] if phase["phase"] == "system")
        assert {entry["name"]: entry["state"] for entry in system["entries"]} == {"db": "installed", "port": "installed"}, system
        assert system["generation"]["number"] == 1 and system["lastRun"]["failures"] == [], system
        assert sops_nix("doctor") == ""
        readers = [line.split("\t")[1:] for line in sops_nix("who-reads").splitlines()]
        for reader in [["reads.service", "db", "EnvironmentFile"], ["reads.service", "port", "LoadCredential"], ["holds.service", "db", "open file"]]:
            assert reader in readers, readers
        story = json.loads(sops_nix("explain db --json"))["stories"][0]
        assert story["recipients"][0]["key"] == KEY and story["changed"] and story["restarted"] == [], story
        assert {"unit": "holds.service", "by": "open file"} in story["readers"], story

    with lab.scenario("23c", "plan says what a run does, and leaves no trace; the run does it, and explain knows"):
        machine.succeed("cp /test/changed.json /test/manifest.json")
        listing = "find /run/secrets /run/secrets.d /run/nixos -printf '%p %i %T@ %C@\\n' 2> /dev/null | sort"
        before = machine.succeed(listing)
        planned = sops_nix("plan")
        assert machine.succeed(listing) == before
        for line in ["modify\tsystem\t\tsecret\tdb", "restart\tsystem\t\tunit\treads.service"]:
            assert line in planned.splitlines(), planned
        machine.succeed("systemctl restart sops-nix")
        machine.wait_until("[ -z \"$(systemctl list-jobs --no-legend)\" ]")
        story = json.loads(sops_nix("explain db --json"))["stories"][0]
        assert story["restarted"] == ["reads.service"], story
        assert not re.search("add|modify|remove|restart|reload|link", sops_nix("plan").replace("/test/", "")), said[-1]

    with lab.scenario("23d", "broken hosts: doctor finds a failed reader, a key that others can read, a secret that was removed"):
        machine.succeed(f"chmod 644 {KEY}")
        assert "finding\tkey\t" in sops_nix("doctor", 1) and KEY in said[-1], said[-1]
        machine.succeed(f"chmod 600 {KEY}; systemctl start fails || true")
        assert 'unit "fails.service", which reads a secret, has failed' in sops_nix("doctor", 1), said[-1]
        machine.succeed("systemctl reset-failed fails; rm /run/secrets/port")
        assert 'secret "port" is missing' in sops_nix("doctor", 1), said[-1]
        assert "secret\tsystem\t\tmissing\tport" in sops_nix("status", 1), said[-1]
        sops_nix("retry")
        assert sops_nix("doctor") == ""

    with lab.scenario("23e", "no command has printed a value or a private key"):
        printed = "".join(said)
        for text in [*texts.values(), "AGE-SECRET-KEY"]:
            assert text not in printed, "a value or a private key was printed"
    machine.cut_power()


def lay_out(payload, texts):
    """The program under its own name, a manifest whose key is not there yet, and services that use its secrets."""
    (payload.test / "program").rename(payload.test / "sops-install-secrets")
    shutil.copy(machines.program().with_name("sops-nix"), payload.test / "sops-nix")
    for script in payload.test.glob("*.sh"):
        script.write_text(script.read_text().replace("/test/program", "/test/sops-install-secrets"))
    file = payload.encrypt("secrets.yaml", texts)
    units = {"db": ["reads.service"], "port": []}
    for name in ["manifest.json", "changed.json"]:
        mode = "0440" if name == "changed.json" else "0400"
        payload.manifest(name, [payload.secret(secret, file, mode=mode if secret == "db" else "0400", restartUnits=units[secret]) for secret in texts], ageKeyFile=KEY)
    payload.early_manifest([])
    payload.service("reads", ONESHOT + "EnvironmentFile=/run/secrets/db\nLoadCredential=port:/run/secrets/port\nExecStart=/bin/true\n")
    payload.service("needs-all", "Requires=sops-nix.target\nAfter=sops-nix.target\n" + ONESHOT + "ExecStart=/bin/true\n")
    payload.service("holds", "[Service]\nRestart=on-failure\nRestartSec=1\nStartLimitIntervalSec=0\nExecStart=/bin/sh -c 'exec 3< /run/secrets/db; exec sleep infinity'\n")
    # Nothing wants these.
    for name, command in [("stopped", "/bin/true"), ("fails", "/bin/false")]:
        payload.write(f"etc/systemd/system/{name}.service", f"{ONESHOT}EnvironmentFile=/run/secrets/db\nExecStart={command}\n")


def states(machine, wanted):
    found = {unit: machine.property(unit, "ActiveState") for unit in wanted}
    assert found == wanted, found
