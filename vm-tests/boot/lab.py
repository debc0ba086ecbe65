"""Where stories take place: it hands out machines and payloads, notes how each scenario ended, and looks for leaks."""

import contextlib
import dataclasses
import os
import pathlib
import time
import traceback

from container import Container, Host
from image import Image
from machine import Machine
from payload import PRIVATE_KEY, Payload


@dataclasses.dataclass
class Row:
    """How a scenario ended. Times in seconds; `error` is empty when it passed."""

    number: str
    name: str
    seconds: float
    error: str


class Lab:
    """One story's part of the work directory."""

    def __init__(self, image: Image, directory: pathlib.Path, rows: list[Row]):
        self.image = image
        self.directory = directory
        self.rows = rows
        self.machines: list[Machine | Container | Host] = []
        # The plaintexts and private keys of this story.
        self.plaintexts: list[str] = []

    def payload(self, case: str, name: str = "payload") -> Payload:
        """A payload with the units and scripts of a case of tests/nix/expected."""
        return Payload(self.directory / name, case)

    def machine(self, name: str = "machine") -> Machine:
        """A machine that is off, with a fresh disk."""
        machine = Machine(self.image, self.directory / name)
        self.machines.append(machine)
        return machine

    def container(self, name: str, users: int | None = None) -> Container:
        """A container that does not run yet. `users`: the first number of its own users, if it has such."""
        container = Container(self.directory / f"container-{name}", users)
        self.machines.append(container)
        return container

    def host(self) -> Host:
        """This machine with a /run of its own."""
        host = Host()
        self.machines.append(host)
        return host

    def secret(self, text: str) -> str:
        """Takes note of a plaintext, to look for it later."""
        self.plaintexts.append(text)
        return text

    @contextlib.contextmanager
    def scenario(self, number: str, name: str):
        """One row of the table. What goes wrong inside is noted, and the story goes on with the next scenario."""
        start = time.monotonic()
        row = Row(number, name, 0, "")
        try:
            yield
        except Exception as error:
            row.error = f"{type(error).__name__}: {error}\n" + "".join(traceback.format_tb(error.__traceback__)[-1:])
        row.seconds = time.monotonic() - start
        self.rows.append(row)
        print(f"{'FAILED' if row.error else 'passed'}  {row.number:>4}  {row.name} ({row.seconds:.0f} s)", flush=True)
        if row.error:
            print("        " + row.error.rstrip().replace("\n", "\n        "), flush=True)

    def search_for_leaks(self, machine: Machine, allowed: dict[str, int] | None = None) -> None:
        """Looks for plaintexts and the test key in all that the machine has said and written. It is off. `allowed`: what may be on its disks, and how often."""
        console = machine.console.log.read_bytes()
        disk = b"".join(written(disk) for disk in [machine.disk, *machine.further])
        # The test itself has put the test key into its file, so it is allowed there.
        allowed = {PRIVATE_KEY: 1, **(allowed or {})}
        for text in [*self.plaintexts, PRIVATE_KEY]:
            name = text[:24]
            assert text.encode() not in console, f"{name}… is on the console"
            found = disk.count(text.encode())
            most = allowed.get(text, 0)
            assert found <= most, f"{name}… is {found} times on the disk, {most} at most are right"
        assert PRIVATE_KEY.encode() in disk, "the search itself finds nothing"

    def end(self) -> None:
        for machine in self.machines:
            machine.cut_power()


def written(disk: pathlib.Path) -> bytes:
    """The parts of a disk that are no holes. The journal on it is not compressed."""
    parts = []
    with disk.open("rb") as file:
        end = file.seek(0, os.SEEK_END)
        start = 0
        while start < end:
            try:
                start = os.lseek(file.fileno(), start, os.SEEK_DATA)
            except OSError:
                break
            stop = os.lseek(file.fileno(), start, os.SEEK_HOLE)
            parts.append(os.pread(file.fileno(), stop - start, start))
            start = stop
    return b"".join(parts)
