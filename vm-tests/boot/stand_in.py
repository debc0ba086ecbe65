#!/usr/bin/env python3
"""A STAND-IN, written for these tests, for NixOS's switch-to-configuration: what it does with units and lists, in its order, by its rules.

Like it, it is told by the environment where the new configuration is. Where READS_LISTS is not true, it reads no lists of the activation, as NixOS 26.11
announces. Scenarios also take the real one: see README.md.
"""

import fcntl
import os
import pathlib
import re
import subprocess
import sys

TOP = pathlib.Path(os.environ["TOPLEVEL"])
NEW, OLD, RUN = TOP / "etc/systemd/system", pathlib.Path("/etc/systemd/system"), pathlib.Path("/run/nixos")
WARNING = "WARN: restarting or reloading systemd units from the activation script is deprecated and will be removed in NixOS 26.11."
READS_LISTS = True
SPECIAL = ["sysinit.target", "basic.target", "multi-user.target", "graphical.target"]


class Plan:
    """What is to happen to which units."""

    def __init__(self):
        self.stop, self.start, self.reload, self.restart, self.skip = set(), set(), set(), set(), set()


def main(action: str) -> int:
    os.environ["NIXOS_ACTION"] = action
    RUN.mkdir(exist_ok=True)
    lock = open(RUN / "switch-to-configuration.lock", "a")
    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    if subprocess.run([os.environ["PRE_SWITCH_CHECK"], TOP, action]).returncode != 0:
        return 1
    if action in ["switch", "boot"]:
        subprocess.run([os.environ["INSTALL_BOOTLOADER"], TOP], check=True)
    if action == "boot":
        return 0
    before = states()
    plan = Plan()
    compare(before, plan)
    return show(before, plan) if action == "dry-activate" else switch(before, plan)


def show(before: dict, plan: Plan) -> int:
    say("would stop", plan.stop)
    say("would NOT stop", plan.skip)
    subprocess.run([TOP / "dry-activate", TOP])
    read_lists("dry-activation", before, plan)
    for verb, units in [("would reload", plan.reload), ("would restart", plan.restart), ("would start", plan.start)]:
        say(verb, units)
    return 0


def switch(before: dict, plan: Plan) -> int:
    code = 0
    say("stopping", plan.stop)
    systemctl("stop", plan.stop)
    say("NOT restarting", plan.skip)
    if subprocess.run([TOP / "activate", TOP]).returncode != 0:
        tell("Failed to run activate script")
        code = 2
    read_lists("activation", before, plan)
    systemctl("reset-failed")
    systemctl("daemon-reload")
    if not systemctl("restart", ["sysinit-reactivation.target"]):
        code = 4
    now = states()
    for unit in [unit for unit in plan.reload if now.get(unit) not in ["active", "activating"]]:
        plan.reload.remove(unit)
        plan.start.add(unit)
    for verb, units in [("reload", plan.reload), ("restart", plan.restart), ("start", plan.start)]:
        say(f"{verb}ing", units)
        if not systemctl(verb, units):
            code = 4
    return code


def states() -> dict:
    """The units that systemd knows and that are not inactive, and their states."""
    said = subprocess.run(["systemctl", "list-units", "--all", "--plain", "--no-legend"], stdout=subprocess.PIPE, text=True, check=True).stdout
    units = [line.split(None, 4) for line in said.splitlines()]
    return {unit[0]: unit[2] for unit in units if unit[2] != "inactive"}


def compare(before: dict, plan: Plan) -> None:
    """Compares the units that run with the new configuration."""
    for unit, state in before.items():
        if state not in ["active", "activating"] or not file_of(OLD, unit).exists():
            continue
        if not file_of(NEW, unit).exists() or file_of(NEW, unit).resolve() == pathlib.Path("/dev/null"):
            plan.stop.add(unit)
        elif unit.endswith(".target"):
            if not is_set(unit, "RefuseManualStart") and not is_set(unit, "X-OnlyManualStart"):
                plan.start.add(unit)
        elif file_of(NEW, unit).read_text() != file_of(OLD, unit).read_text():
            modified(unit, plan, plan.stop)


def read_lists(prefix: str, before: dict, plan: Plan) -> None:
    """What the activation asks for. A unit that cannot be found ends the switch where it is."""
    restart, reload = [RUN / f"{prefix}-{verb}-list" for verb in ["restart", "reload"]]
    if not READS_LISTS:
        return
    if restart.exists() or reload.exists():
        tell(WARNING)
    for unit in lines(restart):
        if unit in before:
            modified(unit, plan, plan.restart)
        else:
            plan.start.add(unit)
    restart.unlink(missing_ok=True)
    plan.reload |= {unit for unit in lines(reload) if unit in before and unit not in plan.restart | plan.stop}
    reload.unlink(missing_ok=True)


def modified(unit: str, plan: Plan, how: set) -> None:
    """A unit that is to be restarted: at once (`plan.restart`), or stopped before the activation and started after it (`plan.stop`)."""
    if unit in SPECIAL or unit.endswith((".path", ".slice", ".socket")):
        return
    file_of(NEW, unit).read_text()
    if is_set(unit, "X-ReloadIfChanged"):
        plan.reload.add(unit)
    elif is_set(unit, "X-RestartIfChanged", "false") or is_set(unit, "RefuseManualStop") or is_set(unit, "X-OnlyManualStart"):
        plan.skip.add(unit)
    elif how is plan.restart or is_set(unit, "X-StopIfChanged", "false"):
        plan.restart.add(unit)
    else:
        plan.stop.add(unit)
        plan.start.add(unit)
    plan.reload -= plan.restart | plan.stop


def file_of(directory: pathlib.Path, unit: str) -> pathlib.Path:
    """The file of a unit, or of its template. As in the real one, an instance with a dot in it has none."""
    template = re.fullmatch(r"(.*)@[^.]*\.(.*)", unit)
    own = directory / unit
    return directory / f"{template[1]}@.{template[2]}" if template and not own.exists() else own


def is_set(unit: str, name: str, value: str = "true") -> bool:
    """Whether the new file of a unit has a setting."""
    return f"\n{name}={value}\n" in "\n" + file_of(NEW, unit).read_text()


def lines(path: pathlib.Path) -> list:
    return path.read_text().splitlines() if path.exists() else []


def say(verb: str, units: set) -> None:
    told = sorted(unit for unit in units if not unit.endswith(".target"))
    if told:
        tell(f"{verb} the following units: {', '.join(told)}")


def tell(line: str) -> None:
    """As the real one does: standard output is for the activation."""
    print(line, file=sys.stderr)


def systemctl(verb: str, units=()) -> bool:
    """Whether systemd did all of it."""
    return verb in ["reload", "restart", "start", "stop"] and not units or subprocess.run(["systemctl", verb, "--", *sorted(units)]).returncode == 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
