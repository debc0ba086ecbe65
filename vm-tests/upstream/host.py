"""The files of a host that evaluate.nix has evaluated: a store, and its configurations."""

import os
import pathlib
import shutil
import subprocess

from configuration import boot_into, install_client, prepare, write_scripts
from machine import program
from payload import PROJECT, Files

# The packages of the stand-ins. The modules call programs by the paths of these packages; here, the programs are in /usr.
PACKAGE = "0" * 32 + "-{}"
PACKAGES = ["age", "coreutils", "gnupg", "util-linux"]
# Replaces the initrd, whose commands run before the activation.
STAGE_1 = """#!/bin/bash
{commands}
exec /system/machine/stage-2
"""


class Store:
    """What becomes /nix/store."""

    def __init__(self, directory: pathlib.Path):
        self.directory = directory
        directory.mkdir()

    def add_sops_nix(self, checkout: pathlib.Path) -> pathlib.Path:
        """Copies the tests of sops-nix, with their files, beside our module in the place of its own. Returns the path in the store."""
        copy = self.directory / PACKAGE.format("sops-nix")
        for part in ["checks", "pkgs/sops-install-secrets/test-assets"]:
            shutil.copytree(checkout / part, copy / part)
        module = copy / "modules/sops/default.nix"
        module.parent.mkdir(parents=True)
        module.write_text(f"import {PROJECT}/nixos-module\n")
        return pathlib.Path("/nix/store") / copy.name

    def add_programs(self) -> None:
        """The program, what is called by the paths of packages, and the scripts, which Nix could not make executable without building."""
        for name in PACKAGES:
            (self.directory / PACKAGE.format(name)).symlink_to("/usr")
        ours = self.directory / PACKAGE.format("sops-install-secrets") / "bin/sops-install-secrets"
        ours.parent.mkdir(parents=True)
        subprocess.run(["strip", "-o", ours, program()], check=True)
        for file in self.directory.glob("*"):
            if file.is_file() and file.read_bytes().startswith(b"#!"):
                file.chmod(0o555)


def lay_out(directory: pathlib.Path, store: Store, configurations: dict, client: bytes) -> pathlib.Path:
    """The files of a host with these configurations, by their places below that in which it boots."""
    files = Files(directory)
    own = configurations[""]
    prepare(files)
    install_client(files, client)
    write_accounts(files)
    shutil.copytree(store.directory, files.root / "nix/store", symlinks=True, copy_function=os.link, dirs_exist_ok=True)
    for path, text in own["files"].items():
        files.write(path, text)
    for place, configuration in configurations.items():
        lay_out_configuration(files, f"machine{place}", configuration)
    boot_into(files, "machine")
    files.write("test/stage-1", STAGE_1.format(commands=own["stage1"]), 0o755)
    return files.root


def write_accounts(files: Files) -> None:
    """The accounts of this machine, but for those of people: the tests make users with the same numbers."""
    for table in ["passwd", "group"]:
        lines = pathlib.Path("/etc", table).read_text().splitlines(keepends=True)
        files.write(f"etc/{table}", "".join(line for line in lines if not 1000 <= int(line.split(":")[2]) < 65534))


def lay_out_configuration(files: Files, name: str, configuration: dict) -> None:
    """One configuration: its units, its scripts, and what runs before a switch to it."""
    place = f"system/{name}"
    units = files.root / place / "etc/systemd/system"
    shutil.copytree(files.units, units, symlinks=True)
    for unit, text in configuration["units"].items():
        (units / unit).write_text(text)
    subprocess.run(["bash", "-c", '. tests/nix/lay-out.sh; link_units "$0"', units], cwd=PROJECT, check=True)
    for snippet in configuration["snippets"]:
        files.write(f"{place}/{snippet['name']}.snippet", snippet["text"])
    for check, text in configuration["checks"].items():
        files.write(f"{place}/{check}.check", text)
    write_scripts(files, name, [snippet["name"] for snippet in configuration["snippets"]])
