#!/usr/bin/env python3
"""Compares how long programs take for one secret, from start to exit: in turn, so that whatever else the machine does is shared.

    benches/startup.py PROGRAM…        each a build of sops-install-secrets
"""

import json
import pathlib
import subprocess
import sys
import tempfile
import time

FIXTURES = pathlib.Path(__file__).resolve().parents[1] / "tests" / "fixtures"
ROUNDS = 400


def manifest(directory: pathlib.Path) -> pathlib.Path:
    """One secret, installed in user mode."""
    secret = {"name": "s", "key": "database/host", "sopsFile": str(FIXTURES / "3.13.2/nesting.yaml"), "mode": "0400"}
    path = directory / "manifest.json"
    path.write_text(json.dumps({
        "secrets": [secret],
        "secretsMountPoint": str(directory / "secrets.d"),
        "symlinkPath": str(directory / "secrets"),
        "keepGenerations": 1,
        "ageKeyFile": str(FIXTURES / "keys/age.txt"),
        "userMode": True,
    }))
    return path


def milliseconds(program: str, path: pathlib.Path) -> float:
    start = time.perf_counter()
    subprocess.run([program, path], check=True, capture_output=True)
    return (time.perf_counter() - start) * 1000


def main() -> None:
    programs = sys.argv[1:] or sys.exit(__doc__)
    with tempfile.TemporaryDirectory() as directory:
        path = manifest(pathlib.Path(directory))
        rounds = [[milliseconds(program, path) for program in programs] for _ in range(ROUNDS)]
    for program, times in zip(programs, map(sorted, zip(*rounds))):
        print(f"{program}: {times[0]:.2f} ms at best, {times[ROUNDS // 10]:.2f} ms one in ten, {times[ROUNDS // 2]:.2f} ms one in two")


if __name__ == "__main__":
    main()
