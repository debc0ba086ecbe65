"""A switch to other secrets, with units in every state: by switch-to-configuration as it is, and by one that reads no lists; with secrets installed by script, and
by unit."""

import dataclasses
import re

from clients import clients, without_lists
from configuration import boot_into, install_client, keep, prepare
from payload import noted, value


@dataclasses.dataclass
class Unit:
    """A unit whose secret is another one after the switch, and what has to become of it."""

    name: str
    # The state of the unit before the switch: active, inactive, failed (because a file is missing that exists afterwards), or
    # masked.
    before: str = "active"
    # The lists of the manifest in which its secret names the unit.
    asked: str = "restart"
    # What happens to the unit in three cases: by lists, by a script without lists, and by a unit.
    happens: tuple[str, str, str] = ("start", "start", "start")
    # The file of the unit after the switch: same, changed, gone, masked or new. `elsewhere` means that it never was part of a
    # configuration.
    file: str = "same"
    # The settings of the unit.
    unit: str = ""
    service: str = ""

    def named(self) -> str:
        """As the secret names it."""
        return self.name.removesuffix(".service") if self.name == "suffix.service" else self.name


NOTHING, RELOAD = ("", "", ""), ("reload", "reload", "reload")
UNITS = [
    Unit("active.service"),
    Unit("suffix.service"),
    Unit("instance@a.service"),
    Unit("instance@a.b.service"),
    Unit("instance@a\\x2db.service"),
    Unit("elsewhere.service", file="elsewhere"),
    Unit("inactive.service", before="inactive", happens=("start", "", "")),
    Unit("failed.service", before="failed"),
    Unit("failed-reload.service", before="failed", asked="reload"),
    Unit("masked.service", before="masked", file="masked", happens=NOTHING),
    Unit("masked-now.service", file="masked", happens=NOTHING),
    Unit("gone.service", file="gone", happens=NOTHING),
    Unit("never.service", before="inactive", file="never", happens=NOTHING),
    Unit("requires.service", unit="Requires=sops-nix.service\nAfter=sops-nix.service"),
    Unit("new.service", before="inactive", file="new"),
    Unit("changed.service", file="changed"),
    Unit("changed-reload.service", file="changed", asked="reload"),
    Unit("both.service", asked="restart reload"),
    Unit("reload.service", asked="reload", happens=RELOAD),
    Unit("reload-inactive.service", before="inactive", asked="reload", happens=NOTHING),
    Unit("reload-impossible.service", asked="reload", service="ExecReload="),
    Unit("stop-if-changed.service", service="X-StopIfChanged=false"),
    Unit("reload-if-changed.service", service="X-ReloadIfChanged=true", happens=RELOAD),
    Unit("restart-if-changed.service", service="X-RestartIfChanged=false", happens=NOTHING),
    Unit("manual.service", unit="X-OnlyManualStart=true", happens=NOTHING),
    Unit("manual-inactive.service", before="inactive", unit="X-OnlyManualStart=true", happens=NOTHING),
    Unit("refuse-start.service", unit="RefuseManualStart=true", happens=NOTHING),
    Unit("refuse-stop.service", unit="RefuseManualStop=true", happens=NOTHING),
]
# The unit by which this unit is wanted, if there is one.
WANTED = {"new.service": "multi-user.target", "requires.service": "multi-user.target", "refuse-start.service": "active.service"}
GENERATIONS = ["one", "two", "three"]


def tell(lab):
    for client, code in clients().items():
        for letter, column, how, text in [("a", 0, "that reads lists", code), ("b", 1, "that reads no lists", without_lists(code))]:
            switch_with(lab, f"15{letter}", f"script-{letter}-{client}", "activation-by-scripts", text, column, f"secrets by script, {client} {how}")
            switch_with(lab, f"16{letter}", f"unit-{letter}-{client}", "activation-with-userborn", text, 2, f"secrets by unit, {client} {how}")


def switch_with(lab, number, name, case, client, column, what):
    values = {generation: {unit.name: lab.secret(value(f"{generation}-{unit.name}")) for unit in UNITS} for generation in GENERATIONS}
    machine = lab.container(name)
    machine.start(host(lab, name, case, client, values), init="/system/one/stage-2")
    happens = {unit.name: unit.happens[column] for unit in UNITS}

    with lab.scenario(number, f"{what}: each unit hears of its secret as it has to, once"):
        machine.wait_for_shell()
        bring_about(machine)
        problems = [problem for action in ["boot", "dry-activate"] for problem in look(machine, "two", action, {}, values["one"])]
        problems += look(machine, "two", "switch", happens, values["two"])
        problems += look(machine, "two", "switch", {}, values["two"])
        again = {"active.service": "start", "reload.service": "reload", "manual.service": "", "restart-if-changed.service": ""}
        problems += [problem for problem in look(machine, "three", "test", again, values["three"]) if problem.split(":")[0] in again or "ended with" in problem]
        if column == 2:
            problems += [line for line in machine.said if line.startswith("WARN")]
        assert not problems, "\n" + "\n".join(problems + machine.said)
    machine.cut_power()


def host(lab, name, case, client, values):
    """The files of a host with three configurations, whose secrets differ; returns where they are."""
    payload = lab.payload(case, name)
    prepare(payload)
    install_client(payload, client)
    for generation in GENERATIONS:
        file = payload.encrypt(f"{generation}.yaml", values[generation])
        payload.manifest("manifest.json", [payload.secret(unit.name, file, **{f"{verb}Units": [unit.named()] for verb in unit.asked.split()}) for unit in UNITS])
        payload.early_manifest([])
        for unit in UNITS:
            lay_out(payload, unit, generation)
        keep(payload, generation)
    boot_into(payload, "one")
    return payload.root


def lay_out(payload, unit, generation):
    """The file of a unit in a configuration."""
    first = generation == "one"
    name = re.sub("@.*[.]", "@.", unit.name)
    file = payload.units / name
    file.unlink(missing_ok=True)
    if unit.file == "masked" and (unit.before == "masked" or not first):
        file.symlink_to("/dev/null")
    elif not (unit.file in ["never", "elsewhere"] or unit.file == "gone" and not first or unit.file == "new" and first):
        payload.write(f"etc/systemd/system/{name}", text_of(unit, generation if unit.file == "changed" else "same"))
        if unit.name in WANTED:
            link = payload.units / f"{WANTED[unit.name]}.wants" / name
            link.parent.mkdir(exist_ok=True)
            link.unlink(missing_ok=True)
            link.symlink_to(f"../{name}")


def text_of(unit, generation):
    return (f"[Unit]\n{unit.unit}\n[Service]\nType=oneshot\nRemainAfterExit=true\nEnvironment=GENERATION={generation}\n"
            f"ExecStartPre=/usr/bin/test ! -e /run/broken/%n\nExecStart=/test/note start %n /run/secrets/%n\nExecReload=/test/note reload %n /run/secrets/%n\n{unit.service}\n")


def bring_about(machine):
    """Brings the units into the state in which the switch is to find them."""
    def those(before):
        return " ".join(f"'{unit.name}'" for unit in UNITS if unit.before == before and "RefuseManualStart" not in unit.unit)

    for unit in UNITS:
        if unit.file == "elsewhere":
            machine.succeed(f"mkdir -p /run/systemd/system; cat > /run/systemd/system/{unit.name} << 'E'\n{text_of(unit, 'same')}E\n")
    machine.succeed(f"systemctl daemon-reload; mkdir -p /run/broken; cd /run/broken; touch {those('failed')}; systemctl start {those('active')}")
    machine.fail(f"systemctl start {those('failed')}")
    machine.succeed("rm -rf /run/broken; rm -f /run/notes/*")
    for unit in UNITS:
        state = machine.property(f"'{unit.name}'", "ActiveState")
        assert state == unit.before.replace("masked", "inactive"), f"{unit.name} is {state}"


def look(machine, generation, action, happens, values):
    """Runs the client, and tells what went otherwise than it has to."""
    code, said = machine.run(f"/system/{generation}/bin/switch-to-configuration {action}")
    machine.said = said.splitlines()
    # The requests that are made to systemd, and those that wait for the end of the switch.
    machine.wait_until("[ -z \"$(systemctl list-jobs --no-legend)\" ] && ! systemctl is-active -q 'sops-nix-requests*'")
    notes = machine.succeed("cd /run/notes && for note in *; do [ ! -e \"$note\" ] || sed \"s/^/${note//\\\\/\\\\\\\\} /\" \"$note\"; done; rm -f *")
    found = {}
    for unit, line in (line.split(" ", 1) for line in notes.splitlines()):
        found.setdefault(unit, []).append(line)
    problems = []
    for unit in sorted(set(happens) | set(found)):
        right = [noted(event, values[unit]) for event in happens.get(unit, "").split()]
        if found.get(unit, []) != right:
            problems.append(f"{unit}: {action}: {found.get(unit, [])} instead of {right}")
    # Lists of a dry run that nobody reads stay. They do no harm.
    left = [name for name in machine.succeed("ls /run/nixos").split() if not name.endswith(".lock") and not name.startswith("dry-")]
    if left:
        problems.append(f"{action}: left behind: {left}")
    if action == "dry-activate" and not any(line.startswith("would modify secrets: active.service") for line in machine.said):
        problems.append(f"{action}: does not say what would change: {machine.said}")
    if code != 0:
        problems.append(f"{action}: ended with {code}")
    return problems
