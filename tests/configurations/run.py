#!/usr/bin/env python3
"""Module files of public configurations, imported as they are and evaluated by the modules of sops-nix and by ours: are the results the same?

usage: tests/configurations/run.py [--checkouts DIRECTORY] [OWNER/NAME…]

The repositories are those of repositories.txt beside this script, or the ones named. Each is looked for in DIRECTORY as OWNER+NAME; what is
not there is cloned into it. Without --checkouts a temporary directory is used. NIX_PATH names the nixpkgs library (nixpkgs-lib=… or
nixpkgs=…), and SOPS_NIX a checkout of sops-nix. Nothing is built, and nothing of a configuration is kept.
"""

import argparse
import collections
import concurrent.futures
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
# Finds a file that sets something below `sops`.
MENTIONS = re.compile(r"\bsops\s*(=|\.\s*(secrets|templates|age|gnupg|defaultSopsF|validate|environment|log|useTmpfs))")


def repositories():
    lines = (HERE / "repositories.txt").read_text().splitlines()
    return [line.strip() for line in lines if line.strip() and not line.startswith("#")]


def checkout(repository, directory):
    """The directory of a repository's files, cloned if it is not there."""
    place = directory / repository.replace("/", "+")
    if not place.is_dir():
        address = f"https://github.com/{repository}"
        subprocess.run(["git", "clone", "--quiet", "--depth=1", address, str(place)], check=True)
    return place


def module_files(place):
    """Files of a configuration that may be modules about secrets."""
    for path in sorted(place.rglob("*.nix")):
        if path.name != "flake.nix" and path.is_file() and MENTIONS.search(path.read_text(errors="replace")):
            yield path


def evaluate(path, root, system, who):
    """What a part of evaluate.nix (`who`) is for a file: a value, or the reason why there is none."""
    expression = (
        f"let all = import {HERE}/evaluate.nix {{ file = {json.dumps(str(path))}; root = {json.dumps(str(root))}; system = \"{system}\"; "
        f"sopsNix = {os.environ['SOPS_NIX']}; }}; in {who}"
    )
    command = ["nix-instantiate", "--store", "dummy://", "--eval", "--strict", "--json", "-E", expression]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    except subprocess.TimeoutExpired:
        return None, "it takes more than two minutes"
    if done.returncode == 0:
        return json.loads(done.stdout), None
    errors = [line for line in done.stderr.splitlines() if line.startswith("error:")]
    return None, errors[-1].removeprefix("error: ") if errors else done.stderr.strip()[-200:]


def systems_of(path, root):
    """The systems that a file may be for, the likeliest first."""
    name = str(path.relative_to(root))
    if re.search("darwin|macos", name, re.IGNORECASE):
        return MACOS
    is_home = re.search(r"(^|/)(home|homes|home-manager|hm)(/|\.nix$)", name)
    return ("home", "nixos", "home-on-macos") if is_home else ("nixos", "home", "home-on-macos")


ALONE = "cannot be evaluated alone"
MACOS = ("darwin", "home-on-macos")


def verdict(path, root):
    """(kind, details, whether it was evaluated for macOS) of one file."""
    reason = None
    for system in systems_of(path, root):
        kind, why = compare(path, root, system)
        if kind == ALONE:
            reason = reason or why
            continue
        # Many homes are for Linux and for macOS.
        if system == "home" and kind.startswith("same"):
            on_macos, why = compare(path, root, "home-on-macos")
            return (kind, None, False) if on_macos == ALONE else (on_macos, why and f"on macOS: {why}", True)
        return kind, why, system in MACOS
    return ALONE, reason, False


def compare(path, root, system):
    """(kind, details) of one file, evaluated for one system."""
    theirs, why = evaluate(path, root, system, "all.theirs.installed")
    if theirs is None:
        return ALONE, why
    ours, why = evaluate(path, root, system, "all.ours.installed")
    if ours is None:
        return "not evaluated by ours", why
    if ours != theirs:
        return "different", first_difference(theirs, ours)
    refused = refusal(path, root, system)
    if refused:
        return "refused by ours", refused
    return ("same" if ours["secrets"] or ours["templates"] else "same, without secrets"), None


def refusal(path, root, system):
    """What our module objects to, where sops-nix objects to nothing. Ours looks at units and users too, and so may miss more of the configuration."""
    theirs, ours = (evaluate(path, root, system, f"all.{who}.refused")[0] for who in ("theirs", "ours"))
    return ours[0] if ours and not theirs else None


def first_difference(theirs, ours, place=""):
    """Where two values differ first, in words."""
    if isinstance(theirs, dict) and isinstance(ours, dict):
        for key in sorted(theirs.keys() | ours.keys()):
            if theirs.get(key) != ours.get(key):
                return first_difference(theirs.get(key), ours.get(key), f"{place}.{key}")
    if isinstance(theirs, list) and isinstance(ours, list) and len(theirs) == len(ours):
        for number, (one, other) in enumerate(zip(theirs, ours)):
            if one != other:
                return first_difference(one, other, f"{place}[{number}]")
    return f"{place}: sops-nix {json.dumps(theirs)[:200]}, ours {json.dumps(ours)[:200]}"


# The reasons why a file needs the rest of its configuration, by the texts of Nix errors.
REASONS = [
    ("reads an option or a package of its configuration that is not here", r"attribute '.*' missing|does not exist\.|has no attribute"),
    ("is written for a newer Nix than the one that evaluates", r"syntax error"),
    ("is no module by itself: it wants arguments that its configuration passes", r"called without required argument|unexpected argument|function '.*' called"),
    ("is no module: a function or a value of another kind", r"while a set was expected|while a function was expected|does not look like a module|expected a set|unsupported type"),
    ("names a file or an input that is not here", r"No such file|not found in the Nix search path|getting status of|undefined variable|cannot be accessed"),
    ("gives an option a value of another kind than the stand-ins have", r"is not of type|is used but not defined|conflicting definition|defined multiple times|infinite recursion"),
]


def kind_of_reason(why):
    return next((kind for kind, pattern in REASONS if re.search(pattern, why)), "other: " + why[:120])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkouts", type=pathlib.Path)
    parser.add_argument("--verbose", action="store_true", help="name the files that cannot be evaluated, with the reason")
    parser.add_argument("repositories", nargs="*")
    arguments = parser.parse_args()
    if "SOPS_NIX" not in os.environ:
        sys.exit("SOPS_NIX names no checkout of sops-nix")
    with tempfile.TemporaryDirectory() as scratch:
        directory = (arguments.checkouts or pathlib.Path(scratch)).resolve()
        report(arguments.repositories or repositories(), directory, arguments.verbose)


def report(names, directory, verbose):
    counts, reasons, on_macos = collections.Counter(), collections.Counter(), 0
    print("| repository | files | same | without secrets | not alone | other |\n| --- | ---: | ---: | ---: | ---: | --- |")
    for name in names:
        place = checkout(name, directory)
        paths = list(module_files(place))
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            verdicts = list(pool.map(lambda path: verdict(path, place), paths))
        own = collections.Counter(kind for kind, _, _ in verdicts)
        on_macos += sum(is_for_macos for _, _, is_for_macos in verdicts)
        counts += own
        others = []
        for path, (kind, why, _) in zip(paths, verdicts):
            if kind == ALONE:
                reasons[kind_of_reason(why)] += 1
                if verbose:
                    others.append(f"{path.relative_to(place)}: {why}")
            elif not kind.startswith("same"):
                others.append(f"{path.relative_to(place)}: {kind}: {why}")
        others = "; ".join(others)
        print(f"| {name} | {len(paths)} | {own['same']} | {own['same, without secrets']} | {own[ALONE]} | {others} |", flush=True)
    print(f"\n{sum(counts.values())} files of {len(names)} repositories:")
    for kind, count in counts.most_common():
        print(f"  {count} {kind}")
    print(f"  {on_macos} were evaluated for macOS, too, or only for macOS")
    print("of those that cannot be evaluated alone:")
    for kind, count in reasons.most_common():
        print(f"  {count} {kind}")
    sys.exit(1 if counts["different"] or counts["not evaluated by ours"] else 0)


if __name__ == "__main__":
    main()
