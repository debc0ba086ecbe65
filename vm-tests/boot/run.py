#!/usr/bin/env python3
"""Boots machines and tells how each scenario ended. Needs root once, to make the image.

    vm-tests/boot/run.py                 all stories, two at a time
    vm-tests/boot/run.py unit switch     these
    vm-tests/boot/run.py --keep unit     and leaves disks and logs where it says
"""

import argparse
import concurrent.futures
import importlib
import os
import pathlib
import shutil
import sys
import tempfile
import time

import image
from lab import Lab, Row

HERE = pathlib.Path(__file__).resolve().parent
# The longest stories come first, so that both processors are busy until the end.
STORIES = ["power", "unit", "switch", "moving", "script", "generated", "late", "online", "disk", "broken", "order", "home", "containers", "target", "user", "outside", "host", "readers", "rollback", "first_boot", "late_key", "tutorial"]


def tell(story: str, made: image.Image, directory: pathlib.Path) -> list[Row]:
    """Runs a story; returns its rows."""
    rows: list[Row] = []
    lab = Lab(made, directory / story, rows)
    try:
        importlib.import_module(f"scenarios.{story}").tell(lab)
    except Exception as error:
        with lab.scenario("", f"{story}: to its end"):
            raise error
    finally:
        lab.end()
    return rows


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("stories", nargs="*", help="of: " + " ".join(STORIES))
    parser.add_argument("--keep", action="store_true", help="leave disks and logs")
    arguments = parser.parse_args()
    sys.path.insert(0, str(HERE))
    start = time.monotonic()
    made = image.image()
    print(f"the image is there after {time.monotonic() - start:.0f} s", flush=True)
    directory = pathlib.Path(tempfile.mkdtemp(prefix="sops-boot-"))
    with concurrent.futures.ThreadPoolExecutor(max_workers=2) as pool:
        told = pool.map(lambda story: tell(story, made, directory), arguments.stories or STORIES)
        rows = [row for rows in told for row in rows]
    print_table(rows, time.monotonic() - start)
    failed = any(row.error for row in rows) or not rows
    if arguments.keep or failed:
        print(f"disks and logs: {directory}")
    else:
        # All has passed: a file that cannot be removed, or that somebody else removes, is no failure.
        shutil.rmtree(directory, ignore_errors=True)
    return 1 if failed else 0


def print_table(rows: list[Row], seconds: float) -> None:
    """The outcome of all scenarios, by their numbers."""
    print(f"\n{'':4}  {'scenario':80}  {'':6}  {'time':>6}")
    for row in sorted(rows, key=lambda row: (int("".join(filter(str.isdigit, row.number)) or 0), row.number)):
        print(f"{row.number:>4}  {row.name:80}  {'FAILED' if row.error else 'passed'}  {row.seconds:4.0f} s")
    for row in rows:
        if row.error:
            print(f"\n{row.number} FAILED: {row.error.rstrip()}")
    failed = sum(bool(row.error) for row in rows)
    cpu = os.times()
    print(f"{len(rows) - failed} passed, {failed} failed, in {seconds:.0f} s ({cpu.children_user + cpu.children_system:.0f} s of processor time)")


if __name__ == "__main__":
    sys.exit(main())
