"""Activation by scripts, before PID 1, as stage 2 of NixOS does it; a switch on such a host; its shutdown."""

from payload import noted, placeholder, value

# Replaces stage 2 of NixOS: mounts what is needed, activates, and becomes systemd.
STAGE_2 = """#!/bin/bash
export PATH=/usr/bin:/usr/sbin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
mount -t tmpfs -o mode=0755,nosuid,nodev tmpfs /run
/test/activate
exec /lib/systemd/systemd
"""

# Replaces the activation script of NixOS, which has the text of the snippets of the modules. Runs them in the order of their dependencies, and makes
# the users between them.
ACTIVATE = """#!/bin/bash
export PATH=/usr/bin:/usr/sbin
status=0
setupSecretsForUsers() {
{setupSecretsForUsers}
}
setupSecrets() {
{setupSecrets}
}
snippet() { "$1" || { status=$?; echo "Activation script snippet '$1' failed ($status)"; }; }
snippet setupSecretsForUsers
[ -n "$NIXOS_ACTION" ] || id alice > /dev/null 2>&1 || useradd alice
[ -n "$NIXOS_ACTION" ] || id bob > /dev/null 2>&1 || useradd bob
snippet setupSecrets
ln -sfn /test /run/current-system
exit $status
"""

# Replaces switch-to-configuration. Under its lock, it activates, and then makes the requests in the lists by systemctl.
SWITCH = """#!/bin/bash
export NIXOS_ACTION=$1
mkdir -p /run/nixos
exec 9> /run/nixos/switch-to-configuration.lock
flock 9
/test/activate
status=$?
prefix=
[ "$1" = switch ] || prefix=dry-
for verb in restart reload; do
  list=/run/nixos/${prefix}activation-$verb-list
  [ -e "$list" ] || continue
  while read -r unit; do
    echo "$verb $unit"
    [ -n "$prefix" ] || systemctl "$verb" "$unit"
  done < "$list"
  rm "$list"
done
exit $status
"""


def tell(lab):
    old, new = lab.secret(value("old")), lab.secret(value("new"))
    same, owned = lab.secret(value("same")), lab.secret(value("owned"))
    environment = f"TOKEN={lab.secret(value('environment'))}"
    early, copied = lab.secret(value("early")), lab.secret(value("copied"))

    payload = lab.payload("activation-by-scripts")
    before = {"changed": old, "same": same, "owned": owned, "environment": environment, "early": early, "copied": copied}
    payload.with_command()
    lay_out(payload, payload.encrypt("secrets.yaml", before), payload.encrypt("new.yaml", {**before, "changed": new}))
    machine = lab.machine()
    machine.start(payload.archive(), init="/test/stage-2")

    with lab.scenario("1", "activation by script before PID 1: every way to read a secret works"):
        machine.wait_for_shell()
        machine.succeed("systemctl is-system-running --wait")
        assert machine.succeed("cat /run/notes/{environment,credential,changed}").splitlines() == [
            noted("start", environment.removeprefix("TOKEN=")), noted("start", same), noted("start", old)]
        assert machine.succeed("cat /run/secrets-for-users/early; findmnt -n -o FSTYPE /run/secrets.d") == early + "ramfs"
        assert machine.succeed("stat -L -c '%U %a' /run/secrets/owned") == "alice 400"
        assert machine.succeed(COPY) == there(copied)

    with lab.scenario("23k", "sops-nix retry where scripts install: the unit for the system is restarted, and the rest is said"):
        machine.succeed("rm /run/secrets.d/*/same /run/secrets-for-users.d/*/early")
        code, tried = machine.run("/test/sops-nix retry")
        assert code == 1 and "installed\tsystem\t\tsops-nix.service" in tried.splitlines(), tried
        assert 'error: the phase "for-users": an activation script installs it, which does more than that; run: /run/current-system/activate' in tried, tried
        machine.succeed("/run/current-system/activate")
        assert machine.succeed("cat /run/secrets/same /run/secrets-for-users/early") == same + early
        machine.succeed("/test/sops-nix status")

    with lab.scenario("5a", "a switch by lists does what its dry run said, each unit once"):
        # The path at which the activation script of the module looks for the units.
        machine.succeed("mkdir -p /run/current-system/sw/bin && ln -sf /usr/bin/systemctl /usr/bin/systemd-run /run/current-system/sw/bin/")
        machine.succeed("rm -f /run/notes/*; cp /test/next/manifest.json /test/manifest.json")
        said = machine.succeed("/test/switch dry-activate")
        assert said.splitlines() == ["would modify secrets: changed, owned", "would modify rendered secret: template", *UNITS], said
        machine.fail("ls /run/notes/*")
        assert machine.succeed("cat /run/secrets/changed") == old
        said = machine.succeed("/test/switch switch")
        assert said.splitlines() == ["modifying secrets: changed, owned", "modifying rendered secret: template", *UNITS], said
        assert_notes(machine, new, owned, f"the same {same}, and more")
        assert machine.succeed("stat -L -c %U /run/secrets/owned") == "bob"

    with lab.scenario("8", "a switch with one broken secret changes nothing, and says so"):
        machine.succeed("rm -f /run/notes/*; cp /test/broken/manifest.json /test/manifest.json")
        listing = "cd /run/secrets.d && ls -lR --time-style=full-iso && readlink /run/secrets"
        before = machine.succeed(listing)
        code, said = machine.run("/test/switch switch")
        assert code == 1, said
        assert "secret \"same\" from /test/secrets.yaml: the key \"no\" does not exist" in said, said
        assert "nothing was changed, because these failed: same (used by same.service), template (used by template.service); /run/secrets is unchanged" in said, said
        assert "Activation script snippet 'setupSecrets' failed (1)" in said, said
        assert machine.succeed(listing) == before
        machine.succeed("cp /test/next/manifest.json /test/manifest.json")
        machine.fail("ls /run/notes/*")

    with lab.scenario("12a", "shutdown and reboot by script: no ordering cycle, no failed unit; a copy on the disk is there again, and a switch without its secret takes it away"):
        look_at_the_journal_and_reboot(machine, copied, "/test/switch switch", init="/test/stage-2")

    with lab.scenario("13a", "no plaintext and no key in journal, console and disk (script)"):
        lab.search_for_leaks(machine)


# A copy of a secret on the disk: what lies in its directory, and what it is. The directory goes with it, and the one above, directly in /etc, stays.
COPIED = "/etc/copies/app/copied"
COPY = f"ls -A /etc/copies/app; stat -c '%F %U %a' {COPIED}; cat {COPIED}; ls /var/lib/sops-nix"


def there(copied):
    """What COPY prints if the copy is there."""
    return f"copied\nregular file root 400\n{copied}ledger.json"


UNITS = ["restart changed.service", "restart owned.service", "reload template.service"]


def lay_out(payload, file, new_file):
    """The host before the switch, the one after it, and one with an error. What stands in a list is told in the order of the manifest."""
    copy = payload.secret("copied", file, path=COPIED, install="copy", copyToDisk=True)

    def secrets(file, owner, **same):
        return [copy, *without_copy(file, owner, **same)]

    def without_copy(file, owner, **same):
        return [payload.secret("changed", file, restartUnits=["changed.service"]),
                payload.secret("same", file, restartUnits=["same.service"], **same),
                payload.secret("owned", file, owner=owner, restartUnits=["owned.service"]),
                payload.secret("environment", file)]

    def template(text):
        return [payload.template("template", text, reloadUnits=["template.service"])]

    same = placeholder("same")
    payload.manifest("manifest.json", secrets(file, "alice"), template(f"the same {same}"))
    payload.manifest("next/manifest.json", secrets(new_file, "bob"), template(f"the same {same}, and more"))
    payload.manifest("without/manifest.json", without_copy(new_file, "bob"), template(f"the same {same}, and more"))
    payload.manifest("broken/manifest.json", secrets(file, "alice", key="no/such/key"), template(f"the same {same}"))
    payload.early_manifest([payload.secret("early", file)])
    activate = ACTIVATE
    for name in ["setupSecretsForUsers", "setupSecrets"]:
        snippet = payload.test / f"{name}.snippet"
        # A host whose units install has none.
        activate = activate.replace(f"{{{name}}}", snippet.read_text() if snippet.exists() else ":")
    for name, text in [("stage-2", STAGE_2), ("activate", activate), ("switch", SWITCH)]:
        payload.write(f"test/{name}", text, 0o755)
    lay_out_services(payload)


def lay_out_services(payload):
    """What uses the secrets."""
    for name in ["changed", "same", "owned"]:
        payload.reader(name, f"/run/secrets/{name}")
    payload.reader("template", "/run/secrets/rendered/template")
    payload.service("environment", "[Service]\nType=oneshot\nEnvironmentFile=/run/secrets/environment\n"
                    "ExecStart=/bin/bash -c 'echo -n $TOKEN | /test/note start environment /dev/stdin'\n")
    payload.service("credential", "[Service]\nType=oneshot\nLoadCredential=same:/run/secrets/same\n"
                    "ExecStart=/bin/bash -c '/test/note start credential $CREDENTIALS_DIRECTORY/same'\n")


def assert_notes(machine, changed, owned, template):
    """The units that had to hear of the switch did, once, and read what is new; no other did."""
    expected = "".join(f"{name}: {noted(event, text)}\n" for name, event, text in [
        ("changed", "start", changed), ("owned", "start", owned), ("template", "reload", template)])
    said = machine.succeed("cd /run/notes && for note in *; do sed \"s/^/$note: /\" $note; done") + "\n"
    assert said == expected, f"{said} instead of {expected}"


def look_at_the_journal_and_reboot(machine, copied="", switch="", **how):
    """Down and up again. The journal of both boots has no ordering cycle in it, and no unit has failed. Then a switch takes the copy away, if there is one: of its content,
    nothing is left on the disk, which is searched later."""
    machine.shut_down()
    machine.start(**how)
    machine.wait_for_shell()
    machine.succeed("systemctl is-system-running --wait")
    assert machine.succeed("systemctl --failed --plain --no-legend") == ""
    # There is a journal to search in.
    machine.succeed("journalctl -b -1 | grep -q sops-nix.service || journalctl -b -1 | grep -q 'Secrets of sops files'")
    assert machine.succeed("journalctl -b -1 | grep -c 'Reached target.*Shutdown'") != "0"
    said = machine.run("journalctl -b -1; journalctl -b 0")[1]
    assert "ordering cycle" not in said, [line for line in said.splitlines() if "ordering cycle" in line]
    failed = [line for line in said.splitlines() if "Failed with result" in line or "Failed unmounting" in line]
    assert not failed, failed
    if not copied:
        machine.shut_down()
        return
    assert machine.succeed(COPY) == there(copied)
    machine.succeed(f"cp /test/without/manifest.json /test/manifest.json; {switch}")
    left = machine.succeed("find /etc/copies; ls -d /var/lib/sops-nix/ledger.json /run/secrets/copied 2> /dev/null || true")
    assert left == "/etc/copies", left
    machine.shut_down()
