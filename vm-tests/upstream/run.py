#!/usr/bin/env python3
"""Replays the VM tests of sops-nix with our module, and prints a table. Needs root; SOPS_NIX names a checkout of sops-nix.

    vm-tests/upstream/run.py                      all tests
    vm-tests/upstream/run.py pruning templates    these
    vm-tests/upstream/run.py --keep pruning       and leaves what it made where it says
"""

import argparse
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
import traceback

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "boot"))

from clients import clients  # noqa: E402
from container import Container  # noqa: E402
from driver import Node, play  # noqa: E402
from host import Store, lay_out  # noqa: E402

# With activation by units, no activation script does anything. So one script of a test is changed in some places.
OTHER_WORDS = {("pruning", "units"): {"/run/current-system/activate": "systemctl restart sops-nix"}}
# One test cannot run with activation by units.
NOT_POSSIBLE = {
    ("restart-and-reload", "units"): "its script wants a switch to the same configuration to install, to print what changes, and to start a unit that does not run",
}
# Our module refuses these tests. They add commands to the unit of the early secrets, and nothing would run these commands.
REFUSED = [("user-passwords-sysusers", "scripts"), ("user-passwords-userborn", "scripts")]

# Runs in a mount namespace of its own, in which a directory becomes /nix. An expression is evaluated there, so that store paths are
# the same as in the hosts.
EVALUATE = 'mount --bind "$0" /nix; exec nix-instantiate --eval --strict --json --read-write-mode -E "$1"'


def missing() -> str:
    """What is missing for the tests, or nothing."""
    if not os.environ.get("SOPS_NIX"):
        return "SOPS_NIX is not set"
    if os.geteuid() != 0:
        return "not root"
    absent = [name for name in ["nix-instantiate", "systemd-nspawn"] if not shutil.which(name)]
    if absent:
        return f"{absent[0]} is missing"
    find = ["nix-instantiate", "--store", "dummy://", "--eval", "-E", f"(import {HERE}/../../tests/nix/find-lib.nix).version or true"]
    found = subprocess.run(find, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return "" if found.returncode == 0 else "the nixpkgs library is not in NIX_PATH"


def evaluate(directory: pathlib.Path) -> tuple[Store, dict]:
    """The tests, and the store that their nodes share."""
    store = Store(directory / "store")
    copy = store.add_sops_nix(pathlib.Path(os.environ["SOPS_NIX"]).resolve())
    expression = f"import {HERE}/evaluate.nix {{ sopsNix = {copy}; }}"
    said = subprocess.run(["unshare", "--mount", "bash", "-ec", EVALUATE, directory, expression], stdout=subprocess.PIPE, check=True,
                          env={**os.environ, "NIX_REMOTE": "local", "NIX_CONFIG": "build-users-group ="})
    store.add_programs()
    return store, json.loads(said.stdout)


def script_of(key: tuple[str, str], test: dict) -> str:
    """The script of a test, for one way."""
    script = test["script"]
    for words, others in OTHER_WORDS.get(key, {}).items():
        assert words in script
        script = script.replace(words, others)
    return script


def replay(directory: pathlib.Path, store: Store, test: dict, script: str, client: bytes) -> None:
    """Boots the nodes of a test when its script wants them, and runs the script."""
    nodes = {}
    for name, configurations in test["nodes"].items():
        root = lay_out(directory / f"{name}-root", store, configurations, client)
        nodes[name] = Node(Container(directory / name), root, "/test/stage-1")
    try:
        play(script, nodes)
    finally:
        for node in nodes.values():
            node.container.cut_power()


def outcome(directory: pathlib.Path, store: Store, key: tuple[str, str], test: dict, client: bytes) -> str:
    """How a test ended in one way: "passed", "passed*" (with other words), "FAILED", "refused" or "-"."""
    refusals = [refusal for node in test["nodes"].values() for configuration in node.values() for refusal in configuration["refusals"]]
    if key in NOT_POSSIBLE:
        return "-"
    if key in REFUSED and refusals:
        return "refused"
    start = time.monotonic()
    try:
        assert not refusals, refusals
        assert key not in REFUSED, "our module does not refuse it"
        replay(directory, store, test, script_of(key, test), client)
        result = "passed*" if key in OTHER_WORDS else "passed"
    except Exception:
        traceback.print_exc()
        result = "FAILED"
    print(f"{result}  {' by '.join(key)} ({time.monotonic() - start:.0f} s)", flush=True)
    return result


def print_table(results: dict[tuple[str, str], str]) -> None:
    """The outcome of each test, in both ways."""
    print(f"\n{'':26}{'by units':12}by scripts")
    for test in dict.fromkeys(test for test, _ in results):
        print(f"{test:26}{results[test, 'units']:12}{results[test, 'scripts']}")
    for key in results:
        for words, others in OTHER_WORDS.get(key, {}).items():
            print(f"* {' by '.join(key)}: with {others} in place of {words}")
        if key in NOT_POSSIBLE:
            print(f"- {' by '.join(key)}: {NOT_POSSIBLE[key]}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tests", nargs="*")
    parser.add_argument("--keep", action="store_true", help="leave hosts and logs")
    arguments = parser.parse_args()
    reason = missing()
    if reason:
        print(f"skipped: the VM tests of sops-nix with our module: {reason}")
        return 0
    directory = pathlib.Path(tempfile.mkdtemp(prefix="sops-upstream-"))
    store, tests = evaluate(directory)
    name, client = list(clients().items())[-1]
    print(f"switching by {name}", flush=True)
    results = {}
    for test in arguments.tests or tests:
        for way in ["units", "scripts"]:
            results[test, way] = outcome(directory / f"{test}-{way}", store, (test, way), tests[test][way], client)
    print_table(results)
    failed = "FAILED" in results.values() or not results
    if arguments.keep or failed:
        print(f"hosts and logs: {directory}")
    else:
        shutil.rmtree(directory, ignore_errors=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
