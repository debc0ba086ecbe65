#!/usr/bin/env python3
"""Compares builds of the program by one secret, from start to exit: size, system calls (if strace is there), and time. They run in
turn, so that whatever else the machine does is shared.

    benches/startup.py PROGRAM…        each a build of sops-install-secrets; the others are compared with the first
"""

import json
import os
import pathlib
import shutil
import statistics
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


def system_calls(program: str, path: pathlib.Path) -> int:
    """The usual number. Calls by which threads wait for each other do not count: how many there are is chance."""
    summary = path.with_name("calls")

    def count() -> int:
        subprocess.run(["strace", "-fcqq", "-o", summary, program, path], check=True, capture_output=True)
        # A row has: percent, seconds, microseconds for each call, calls, errors if there are any, and the name.
        rows = [line.split() for line in summary.read_text().splitlines()]
        return sum(int(row[3]) for row in rows if row[0][0].isdigit() and row[-1] not in ("futex", "total"))

    return statistics.mode(count() for _ in range(9))


def main() -> None:
    programs = sys.argv[1:] or sys.exit(__doc__)
    with tempfile.TemporaryDirectory() as directory:
        path = manifest(pathlib.Path(directory))
        rounds = [[milliseconds(program, path) for program in programs] for _ in range(ROUNDS)]
        calls = [system_calls(program, path) if shutil.which("strace") else None for program in programs]
    first = next(zip(*rounds))
    for program, count, times in zip(programs, calls, zip(*rounds)):
        best, tenth, half = (sorted(times)[place] for place in (0, ROUNDS // 10, ROUNDS // 2))
        ratio = statistics.median(time / other for time, other in zip(times, first))
        print(f"{program}: {os.path.getsize(program):,} bytes, {count} system calls, {best:.2f} ms at best, {tenth:.2f} ms one in ten, "
              f"{half:.2f} ms one in two, {ratio:.3f} of the first")


if __name__ == "__main__":
    main()
