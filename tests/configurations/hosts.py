#!/usr/bin/env python3
"""The Macs of public flakes, as they are, evaluated by the modules of sops-nix and by ours: are the results the same?

usage: tests/configurations/hosts.py [--checkouts DIRECTORY] OWNER/NAME…

Each repository is looked for in DIRECTORY as OWNER+NAME; what is not there is cloned into it. NIX_PATH names the nixpkgs library
(nixpkgs-lib=… or nixpkgs=…). SOPS_NIX, NIX_DARWIN and HOME_MANAGER name checkouts of these. Nothing is built.
"""

import argparse
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

from run import HERE, checkout, first_difference

PROJECTS = {"sopsNix": "SOPS_NIX", "nixDarwin": "NIX_DARWIN", "homeManager": "HOME_MANAGER"}
PARTS = ("secrets", "templates", "manifest", "job", "otherJobs", "refused")
# Those of which the number of entries is told.
COUNTED = ("secrets", "templates", "otherJobs", "refused")
UNKNOWN = "needs what is not here"
WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_'-]*")
# Words that mean something to Nix or to its library, and are no packages.
RESERVED = {"type", "_type", "__toString"}


def words(directories):
    """All words in Nix files below directories: whatever a configuration may call a package."""
    texts = (path.read_text(errors="replace") for directory in directories for path in pathlib.Path(directory).rglob("*.nix"))
    return sorted(set().union(*(WORD.findall(text) for text in texts)) - RESERVED)


class Flake:
    """A flake with Macs."""

    def __init__(self, place, scratch):
        self.place = place
        # Options of inputs that are not here, which are read and not set.
        self.unset = []
        # The files of the inputs that are not here. Each is made when it is missed.
        self.input = scratch / "input"
        self.input.mkdir(exist_ok=True)
        (self.input / "flake.nix").write_text(f"{{ outputs = _: import {HERE}/stand-ins/input.nix; }}\n")
        names = scratch / "names.json"
        own = HERE.parents[1] / "module-common"
        names.write_text(json.dumps(words([place, own, *(os.environ[variable] for variable in PROJECTS.values())])))
        self.environment = os.environ | {"NAMES": str(names), "INPUT": str(self.input)}

    def evaluate(self, what, ignore=False):
        """What a part of hosts.nix is: a value, or the reason why there is none."""
        projects = " ".join(f"{name} = /. + {json.dumps(os.path.realpath(os.environ[variable]))};" for name, variable in PROJECTS.items())
        unset = " ".join("[ " + " ".join(map(json.dumps, path)) + " ]" for path in self.unset)
        further = f"ignore = {json.dumps(ignore)}; unset = [ {unset} ];"
        hosts = f"import {HERE}/hosts.nix {{ root = /. + {json.dumps(str(self.place))}; {further} {projects} }}"
        command = ["nix-instantiate", "--store", "dummy://", "--eval", "--strict", "--json", "-E", f"let all = {hosts}; in {what}"]
        done = subprocess.run(command, capture_output=True, text=True, env=self.environment, timeout=600)
        if done.returncode == 0:
            return json.loads(done.stdout), None
        errors = [line.removeprefix("error: ") for line in done.stderr.splitlines() if line.startswith("error:")]
        why = errors[-1] if errors else done.stderr.strip()[-200:]
        if self.supply_file(why) or self.supply_option(why, done.stderr):
            return self.evaluate(what, ignore)
        # Names of options that depend on other options.
        if "infinite recursion" in why and not ignore:
            return self.evaluate(what, ignore=True)
        return None, why

    def supply_file(self, why):
        """Makes a module of an input that is not here, if it was missed."""
        missed = re.search(rf"'({re.escape(str(self.input))}/[^']*\.nix)'", why)
        path = missed and pathlib.Path(missed[1])
        if not path or path.exists() or ".." in path.parts:
            return False
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("{ }\n")
        return True

    def supply_option(self, why, trace):
        """Declares an option of an input that is not here, if it was read."""
        missed = re.match(r"attribute '(.*)' missing", why)
        read = missed and re.search(rf"\bconfig\.((?:[\w'-]+\.)+{re.escape(missed[1])})(?![\w'-])", trace)
        option = read and read[1].split(".")
        if not option or option in self.unset:
            return False
        self.unset.append(option)
        return True

    def compare(self, host, of, part):
        """What a part is by both modules: a kind and details."""
        sides = []
        for who in ("theirs", "ours"):
            value, why = self.evaluate(f"all.{who}.{json.dumps(host)}.{json.dumps(of)}.{part}")
            if why:
                return (UNKNOWN if who == "theirs" else "not evaluated by ours"), why
            sides.append(value)
        theirs, ours = sides
        if theirs != ours:
            return "different", first_difference(theirs, ours)
        return "same", len(ours) if part in COUNTED else ""


def report(flake, name):
    """Prints what was found, a line for each host and each of its homes. Returns whether something differs that should not."""
    hosts, why = flake.evaluate("builtins.mapAttrs (_: builtins.attrNames) all.theirs")
    if why:
        print(f"{name}: {UNKNOWN}: {why}")
        return False
    is_bad = False
    for host, homes in hosts.items():
        for of in homes:
            found = {part: flake.compare(host, of, part) for part in PARTS}
            print(f"{name} {host} {of}: " + "; ".join(f"{part} {kind} {details}".strip() for part, (kind, details) in found.items()), flush=True)
            # The job that installs the secrets differs on purpose: docs/macos.md.
            is_bad |= any(kind not in ("same", UNKNOWN) and part != "job" for part, (kind, _) in found.items())
    return is_bad


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkouts", type=pathlib.Path)
    parser.add_argument("repositories", nargs="+")
    arguments = parser.parse_args()
    missing = [variable for variable in PROJECTS.values() if variable not in os.environ]
    if missing:
        sys.exit(f"not set: {', '.join(missing)}")
    is_bad = False
    for repository in arguments.repositories:
        with tempfile.TemporaryDirectory() as scratch:
            scratch = pathlib.Path(scratch)
            place = checkout(repository, (arguments.checkouts or scratch).resolve())
            is_bad |= report(Flake(place, scratch), repository)
    sys.exit(is_bad)


if __name__ == "__main__":
    main()
