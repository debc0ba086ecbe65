"""The commands of sops-nix for a host, with the real systemd: what they say and do when a key is late, and when all is well."""

import json
import re
import shutil

from configuration import prepare
from payload import PROJECT, RECIPIENT, value

ONESHOT = "[Service]\nType=oneshot\nRemainAfterExit=true\n"
KEY = "/var/lib/sops-nix/key.txt"
# The manifest of a user, as home-manager has it.
OWN = json.dumps({"version": 1, "userMode": True, "secretsMountPoint": "%r/secrets.d", "symlinkPath": "/home/alice/.config/sops-nix/secrets", "keepGenerations": 1,
                  "ageKeyFile": "/home/alice/age.txt",
                  "secrets": [{"name": "token", "key": "db", "sopsFile": "/home/alice/secrets.yaml", "format": "yaml", "mode": "0400"}]})


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
        assert "installed\tsystem\t\tsops-nix.service" in tried.splitlines(), tried
        assert re.findall("started\t(.*)", tried) == ["needs-all.service"], tried
        machine.wait_until("[ -z \"$(systemctl list-jobs --no-legend)\" ]")
        states(machine, {"sops-nix": "active", "sops-nix.target": "active", "reads": "active", "needs-all": "active", "stopped": "inactive"})
        again = sops_nix("retry")
        assert "there\tsystem\t\tsops-nix.service" in again and "installed" not in again and "started" not in again, again

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

    with lab.scenario("23f", "plan ./result says what a switch to a built configuration changes, and leaves the host as it is"):
        machine.succeed("""
            mkdir -p /test/result/etc/systemd/system
            sed 's|/test/|/test/built-|' /etc/systemd/system/sops-nix.service > /test/result/etc/systemd/system/sops-nix.service
            for script in /test/sops-nix*.sh; do sed 's|/test/manifest|/test/built-manifest|' "$script" > "/test/built-${script##*/}"; done
        """)
        before = machine.succeed(listing)
        planned = sops_nix("plan /test/result").splitlines()
        assert machine.succeed(listing) == before
        for line in ["phase\tsystem\t\tpublishes\t/test/built-manifest.json", "add\tsystem\t\tsecret\tbuilt-port", "modify\tsystem\t\tsecret\tdb",
                     "remove\tsystem\t\tsecret\tport", "restart\tsystem\t\tunit\tneeds-all.service"]:
            assert line in planned, planned
        assert [line.split("\t")[:4] for line in sops_nix("plan").splitlines()] == [["phase", phase, "", "keeps"] for phase in ["for-users", "system"]], said[-1]

    with lab.scenario("23g", "a user's secrets by home-manager: root sees them, and the user has a plan, installs it, and asks what is there"):
        machine.succeed("""
            getent passwd alice > /dev/null || useradd --create-home --uid 1234 alice
            install -d -o alice -g alice /home/alice/.config /home/alice/.config/systemd /home/alice/.config/systemd/user
            install -d -o alice -g alice -m 0700 /run/user/1234
            install -o alice -g alice -m 0600 /test/age.txt /home/alice/age.txt
            install -o alice -g alice -m 0600 /test/secrets.yaml /home/alice/secrets.yaml
        """)
        machine.succeed(f"printf '%s' '{OWN}' > /home/alice/manifest.json; chmod 755 /test; chmod 644 /home/alice/manifest.json")
        machine.succeed("printf '[Service]\\nExecStart=/test/sops-install-secrets -ignore-passwd /home/alice/manifest.json\\n' > /home/alice/.config/systemd/user/sops-nix.service")
        alice = "setpriv --reuid=1234 --regid=1234 --clear-groups env HOME=/home/alice XDG_RUNTIME_DIR=/run/user/1234"
        user = lambda command: machine.run(f"{alice} {command}")  # noqa: E731
        code, planned = user("/test/sops-nix plan")
        assert code == 0 and "add\tuser\talice\tsecret\ttoken" in planned, planned
        assert "secret\tuser\talice\tmissing\ttoken" in sops_nix("status", 1), said[-1]
        code, printed = user("/test/sops-install-secrets -ignore-passwd /home/alice/manifest.json")
        assert code == 0, printed
        assert "secret\tuser\talice\tinstalled\ttoken" in sops_nix("status"), said[-1]
        code, found = user("/test/sops-nix doctor")
        assert (code, found) == (0, "warning: only root can see all; run as root: sops-nix doctor\n"), found
        code, planned = user("/test/sops-nix plan")
        assert code == 0 and "phase\tuser\talice\tkeeps\t" in planned, planned
        said.extend([planned, found])

    with lab.scenario("23h", "a mock on a real host: no key is needed, the journal, status and doctor say that the secrets are dummies, and the real ones come back"):
        machine.succeed(f"cp /test/manifest.json /test/real.json; mv {KEY} {KEY}.aside")
        machine.succeed("sed '0,/{/s//{\\n  \"mock\": true,/' /test/real.json > /test/manifest.json && systemctl restart sops-nix")
        assert machine.succeed("cat /run/secrets/db; cat /run/secrets/.MOCK") == "MOCK-dbAll secrets here are dummies, because sops.mock is on."
        assert "mock\tsystem\t" in sops_nix("status"), said[-1]
        assert "all secrets in /run/secrets are dummies" in machine.journal("-u sops-nix"), "the journal says nothing"
        assert "are dummies, because sops.mock is on" in sops_nix("doctor", 1), said[-1]
        machine.succeed(f"mv {KEY}.aside {KEY}; cp /test/real.json /test/manifest.json; systemctl restart sops-nix")
        assert machine.succeed("cat /run/secrets/db; ls -A /run/secrets") .startswith(texts["db"]), "the real secret is not back"
        assert ".MOCK" not in machine.succeed("ls -A /run/secrets"), "the mark is still there"
        assert sops_nix("doctor") == ""

    with lab.scenario("23i", "the commands of a repository on a host: keys, convert, inspect, and git gets its password from a secret"):
        machine.succeed("ssh-keygen -q -t ed25519 -N '' -C '' -f /etc/ssh/ssh_host_ed25519_key <<< y > /dev/null")
        public = machine.succeed("cat /etc/ssh/ssh_host_ed25519_key.pub")
        [converted] = sops_nix("convert /etc/ssh/ssh_host_ed25519_key.pub").splitlines()
        assert converted.startswith("age1") and sops_nix(f"convert <<< 'web.example {public}'").splitlines() == [converted], said[-1]
        assert sops_nix(f"convert --to ssh <<< '{public}'").strip() == public, said[-1]
        # Root reads the private key, and alice the public half beside it.
        for code, printed in [(0, sops_nix("keys")), user("/test/sops-nix keys")]:
            assert code == 0 and converted in printed, printed
            said.append(printed)
        assert RECIPIENT in sops_nix("keys"), said[-1]
        assert RECIPIENT in sops_nix("keys --nix"), said[-1]
        recipients = re.findall(r"^recipient\t.*\t(.*)$", sops_nix("inspect /test/secrets.yaml"), re.MULTILINE)
        assert recipients == [RECIPIENT], said[-1]
        helper = "!bash -euo pipefail /test/git-credential-sops.sh --username alice --password-file /run/secrets/db"
        answer = machine.succeed(f"printf 'url=https://git.example\\n\\n' | GIT_TERMINAL_PROMPT=0 git -c credential.helper='{helper}' credential fill")
        assert f"password={texts['db']}" in answer.splitlines() and "username=alice" in answer.splitlines(), "git did not get the password"

    with lab.scenario("23j", "units that read a secret by a bound path and by a script are found, and the one that does not see a change is named"):
        machine.succeed("cp /test/binds.service /test/by-script.service /etc/systemd/system/ && systemctl daemon-reload && systemctl start binds by-script")
        readers = [line.split("\t")[1:] for line in sops_nix("who-reads").splitlines()]
        for reader in [["binds.service", "port", "BindReadOnlyPaths"], ["by-script.service", "db", "ExecStart"]]:
            assert reader in readers, readers
        assert "binds.service" in sops_nix("doctor", 1) and "by-script" not in said[-1], said[-1]

    with lab.scenario("23e", "no command has printed a value or a private key"):
        printed = "".join(said)
        for text in [*texts.values(), "AGE-SECRET-KEY"]:
            assert text not in printed, "a value or a private key was printed"
    machine.cut_power()


def lay_out(payload, texts):
    """The programs, a manifest whose key is not there yet, and services that use its secrets."""
    payload.with_command()
    file = payload.encrypt("secrets.yaml", texts)
    units = {"db": ["reads.service"], "port": []}
    for name in ["manifest.json", "changed.json"]:
        mode = "0440" if name == "changed.json" else "0400"
        payload.manifest(name, [payload.secret(secret, file, mode=mode if secret == "db" else "0400", restartUnits=units[secret]) for secret in texts], ageKeyFile=KEY)
    built = [payload.secret("db", file, mode="0444", restartUnits=["reads.service", "needs-all.service"]), payload.secret("built-port", file, key="port")]
    payload.manifest("built-manifest.json", built, ageKeyFile=KEY)
    payload.early_manifest([])
    payload.service("reads", ONESHOT + "EnvironmentFile=/run/secrets/db\nLoadCredential=port:/run/secrets/port\nExecStart=/bin/true\n")
    payload.service("needs-all", "Requires=sops-nix.target\nAfter=sops-nix.target\n" + ONESHOT + "ExecStart=/bin/true\n")
    payload.service("holds", "[Service]\nRestart=on-failure\nRestartSec=1\nStartLimitIntervalSec=0\nExecStart=/bin/sh -c 'exec 3< /run/secrets/db; exec sleep infinity'\n")
    # Nothing wants these.
    for name, command in [("stopped", "/bin/true"), ("fails", "/bin/false")]:
        payload.write(f"etc/systemd/system/{name}.service", f"{ONESHOT}EnvironmentFile=/run/secrets/db\nExecStart={command}\n")
    # These are added later, because the first is a finding.
    payload.write("test/binds.service", f"{ONESHOT}BindReadOnlyPaths=/run/secrets/port:/run/bound\nExecStart=/bin/true\n")
    payload.write("test/by-script.service", f"{ONESHOT}ExecStart=/etc/reads-db\n")
    payload.write("etc/reads-db", "#!/bin/sh\nwc -c < /run/secrets/db\n", 0o755)
    shutil.copy(PROJECT / "nix/git-credential-sops.sh", payload.test)


def states(machine, wanted):
    found = {unit: machine.property(unit, "ActiveState") for unit in wanted}
    assert found == wanted, found
