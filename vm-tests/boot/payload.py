"""What a machine gets beside Debian: the program, the units and scripts of a case of tests/nix, manifests, sops files, and services that use secrets."""

import copy
import hashlib
import json
import os
import pathlib
import secrets
import shutil
import subprocess
import tarfile

import machine

PROJECT = pathlib.Path(__file__).resolve().parents[2]
KEYS = PROJECT / "tests/fixtures/keys"
KEY = (KEYS / "age.txt").read_text()
RECIPIENT = next(line.split()[-1] for line in KEY.splitlines() if line.startswith("# public key:"))
PRIVATE_KEY = next(line for line in KEY.splitlines() if line.startswith("AGE-SECRET-KEY-"))
# A key that is on no machine.
OTHER_RECIPIENT = next(line.split()[-1] for line in (KEYS / "other-age.txt").read_text().splitlines() if line.startswith("# public key:"))

# Records that a service started or was reloaded, and the hash of what it read. The record is in memory, because nothing that was
# read may be written to the disk.
NOTE = """#!/bin/bash
mkdir -p /run/notes
echo "$1 $(sha256sum < "$3" | cut -c -16)" >> "/run/notes/$2"
"""


def value(name: str) -> str:
    """A plaintext that is found again wherever it gets to."""
    return f"plaintext-of-{name}-{secrets.token_hex(8)}"


def noted(event: str, text: str) -> str:
    """What NOTE writes when the service reads `text`."""
    return f"{event} {hashlib.sha256(text.encode()).hexdigest()[:16]}"


def encrypt(path: pathlib.Path, values: dict, recipient: str = RECIPIENT, pgp: str = "", to: list[str] = (), environment: dict | None = None) -> None:
    """A sops file with these values, by the real sops, for an age recipient, for the OpenPGP key with a fingerprint, or `to` what further arguments of sops name."""
    sops = os.environ.get("SOPS") or "sops"
    to = to or (["--pgp", pgp] if pgp else ["--age", recipient])
    done = subprocess.run([sops, "--config", "/dev/null", "encrypt", *to, "--input-type", "json", "--output-type", "yaml", "--filename-override",
                           path.name, "/dev/stdin"], input=json.dumps(values).encode(), stdout=subprocess.PIPE, check=True,
                          env={**(environment or os.environ), "SOPS_DISABLE_VERSION_CHECK": "1"})
    path.write_bytes(done.stdout)


class Files:
    """Files below a directory that stands for the machine's root."""

    def __init__(self, directory: pathlib.Path):
        self.root = directory
        self.test = directory / "test"
        self.units = directory / "etc/systemd/system"
        self.test.mkdir(parents=True)
        self.units.mkdir(parents=True)
        # NixOS has this target, and the tests of the modules use this file for it.
        shutil.copy(PROJECT / "tests/nix/units/sysinit-reactivation.target", self.units)

    def write(self, path: str, text: str, mode: int = 0o644) -> None:
        """A file, at a path below the root."""
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        file.chmod(mode)


class Payload(Files):
    """The files of a machine with the units and scripts of a case of tests/nix/expected."""

    def __init__(self, directory: pathlib.Path, case: str):
        super().__init__(directory)
        subprocess.run(["bash", PROJECT / "tests/nix/lay-out.sh", case, self.test, self.units], check=True)
        shutil.rmtree(self.test / "files")
        self.golden = json.loads((PROJECT / "tests/nix/expected" / case / "manifest.json").read_text())
        subprocess.run(["strip", "-o", self.test / "program", machine.program()], check=True)
        self.write("test/age.txt", KEY, 0o600)
        self.write("test/note", NOTE, 0o755)

    def encrypt(self, name: str, values: dict, recipient: str = RECIPIENT, **how: object) -> str:
        """A sops file of the machine; returns its path there."""
        encrypt(self.test / name, values, recipient, **how)
        return f"/test/{name}"

    def secret(self, name: str, file: str, **fields: object) -> dict:
        """A secret of a manifest, with every field as the module writes it but for those that are given."""
        return {**copy.deepcopy(self.golden["secrets"][0]), "name": name, "key": name, "sopsFile": file, "path": f"/run/secrets/{name}", **fields}

    def template(self, name: str, content: str, **fields: object) -> dict:
        """A template of a manifest."""
        return {"name": name, "path": f"/run/secrets/rendered/{name}", "content": content, "file": "", "mode": "0400", "owner": None, "group": None,
                "uid": 0, "gid": 0, "restartUnits": [], "reloadUnits": [], **fields}

    def manifest(self, name: str, secrets: list, templates: list = (), **fields: object) -> None:
        """A manifest as the module writes it, with these entries, and the test key."""
        placeholders = {secret["name"]: placeholder(secret["name"]) for secret in secrets} if templates else {}
        manifest = {**self.golden, "ageKeyFile": "/test/age.txt", "ageSshKeyPaths": [], "sshKeyPaths": [], "secrets": secrets,
                    "templates": list(templates), "placeholderBySecretName": placeholders, **fields}
        self.write(f"test/{name}", json.dumps(manifest, indent=2))

    def early_manifest(self, secrets: list, **fields: object) -> None:
        """The manifest of the secrets that users need to be created."""
        self.phase_manifest("manifest-for-users.json", "/run/secrets-for-users", secrets, **fields)

    def file_systems_manifest(self, secrets: list, name: str = "manifest-for-file-systems.json") -> None:
        """The manifest of the secrets that file systems need to be mounted."""
        self.phase_manifest(name, "/run/secrets-for-file-systems", secrets, forFileSystems=True)

    def phase_manifest(self, name: str, directory: str, secrets: list, **fields: object) -> None:
        """The manifest of a phase that is before the regular one."""
        placed = [{**secret, "path": f"{directory}/{secret['name']}"} for secret in secrets]
        self.manifest(name, placed, symlinkPath=directory, secretsMountPoint=f"{directory}.d", **fields)

    def service(self, name: str, lines: str, wanted_by: str = "multi-user.target") -> None:
        """A service that starts at boot."""
        self.write(f"etc/systemd/system/{name}.service", f"[Unit]\nDescription={name}, which uses secrets\n{lines}")
        wants = self.units / f"{wanted_by}.wants"
        wants.mkdir(exist_ok=True)
        (wants / f"{name}.service").symlink_to(f"../{name}.service")

    def reader(self, name: str, file: str) -> None:
        """A service that notes each start and each reload, and what is in a file then."""
        self.service(name, f"[Service]\nType=oneshot\nRemainAfterExit=true\nExecStart=/test/note start {name} {file}\n"
                     f"ExecReload=/test/note reload {name} {file}\n")

    def with_command(self) -> None:
        """The installer under its own name, by which sops-nix finds it, and sops-nix beside it."""
        (self.test / "program").rename(self.test / "sops-install-secrets")
        shutil.copy(machine.program().with_name("sops-nix"), self.test / "sops-nix")
        for script in self.test.glob("*.sh"):
            script.write_text(script.read_text().replace("/test/program", "/test/sops-install-secrets"))

    def drop_in(self, unit: str, lines: str) -> None:
        """Settings added to a unit."""
        self.write(f"etc/systemd/system/{unit}.d/test.conf", lines)

    def archive(self) -> pathlib.Path:
        """All of it as the disk that the initrd unpacks."""
        path = self.root.with_suffix(".tar")
        with tarfile.open(path, "w") as tar:
            for file in sorted(self.root.rglob("*")):
                tar.add(file, file.relative_to(self.root), recursive=False, filter=owned_by_root)
        return path


def placeholder(name: str) -> str:
    """The token that stands for a secret in templates, as the module makes it."""
    return f"<SOPS:{hashlib.sha256(name.encode()).hexdigest()}:PLACEHOLDER>"


def owned_by_root(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = "root"
    return entry
