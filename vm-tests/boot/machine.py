"""A virtual machine: its disk, its serial console, and a shell in it."""

import base64
import os
import pathlib
import socket
import subprocess
import threading
import time

from image import Image

# Limit in seconds for everything that should be fast. An emulated machine on a busy host is slow.
PATIENCE = float(os.environ.get("BOOT_PATIENCE", "120"))


class Line:
    """One serial line. What comes from the machine is read at once, or the machine would wait; QEMU keeps it in `log`."""

    def __init__(self, path: pathlib.Path, log: pathlib.Path):
        self.path = path
        self.log = log

    def connect(self) -> None:
        self.seen = b""
        self.is_open = True
        self.arrived = threading.Condition()
        until(self.is_connected, "QEMU's socket")
        threading.Thread(target=self.receive, args=[self.socket], daemon=True).start()

    def is_connected(self) -> bool:
        """Whether QEMU answers. A socket that is there may be one of a machine whose power was cut."""
        self.socket = socket.socket(socket.AF_UNIX)
        try:
            self.socket.connect(str(self.path))
        except (FileNotFoundError, ConnectionRefusedError):
            return False
        return True

    def receive(self, connection: socket.socket) -> None:
        """Takes what comes by `connection`. The end of that of an earlier start may be heard late, and says nothing of this one."""
        received = b"-"
        while received:
            try:
                received = connection.recv(65536)
            except OSError:
                received = b""
            with self.arrived:
                if connection is not self.socket:
                    return
                self.seen += received
                self.is_open = bool(received)
                self.arrived.notify()

    def is_in_a_line(self) -> bool:
        """Whether the last thing that was ever written is a part of a line."""
        written = self.log.read_bytes()
        return bool(written) and not written.endswith((b"\n", b"\r"))

    def send(self, text: str) -> None:
        self.socket.sendall(text.encode() + b"\n")

    def read_until(self, end: str, patience: float = PATIENCE) -> str:
        """What came up to and including `end`."""
        with self.arrived:
            if not self.arrived.wait_for(lambda: end.encode() in self.seen or not self.is_open, patience):
                raise TimeoutError(f"{self.log}: no {end!r} within {patience} s; last came: {self.seen[-300:]!r}")
            if end.encode() not in self.seen:
                raise ConnectionError(f"{self.log}: the machine was off before {end!r} came")
            before, self.seen = self.seen.split(end.encode(), 1)
        return before.decode(errors="replace") + end


class System:
    """A system that runs, and takes commands by `run`."""

    def succeed(self, command: str, patience: float = PATIENCE) -> str:
        """The output of a command that has to succeed, without blanks at its ends."""
        code, output = self.run(command, patience)
        assert code == 0, f"{command}: exit code {code}: {output}"
        return output.strip()

    def fail(self, command: str) -> str:
        """The output of a command that has to fail."""
        code, output = self.run(command)
        assert code != 0, f"{command}: did not fail: {output}"
        return output.strip()

    def wait_until(self, command: str, patience: float = PATIENCE) -> None:
        """Waits until a command succeeds."""
        until(lambda: self.run(command)[0] == 0, command, patience)

    def journal(self, options: str = "") -> str:
        """The journal of this boot, with all that was said until now: journald may still have to read some of it."""
        return self.succeed(f"journalctl --sync; journalctl -b {options}")

    def property(self, unit: str, name: str) -> str:
        """A property of a unit, as systemd shows it."""
        return self.succeed(f"systemctl show {unit} -p {name} --value")


class Machine(System):
    """A machine with a disk of its own, in `directory`. It is off until `start`."""

    def __init__(self, image: Image, directory: pathlib.Path):
        self.image = image
        self.directory = directory
        self.disk = directory / "disk"
        # Further disks of the machine. Each has the path /dev/disk/by-id/virtio-NAME.
        self.further: list[pathlib.Path] = []
        # Whether it has a network, in which 10.0.2.2 is this machine. At first its cable is not plugged in.
        self.has_network = False
        directory.mkdir(parents=True)
        subprocess.run(["cp", "--sparse=always", image.disk, self.disk], check=True)
        self.process: subprocess.Popen | None = None
        self.console = Line(directory / "console.socket", directory / "console.log")
        self.shell = Line(directory / "shell.socket", directory / "shell.log")

    def start(self, payload: pathlib.Path | None = None, init: str = "/sbin/init", words: str = "") -> None:
        """Switches the machine on. A payload is an archive that is unpacked over its disk before anything else."""
        for line in [self.console, self.shell]:
            line.path.unlink(missing_ok=True)
        self.started = (payload, init, words)
        self.process = subprocess.Popen(self.command(payload, init, words), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=(self.directory / "qemu.log").open("ab"))
        self.console.connect()
        self.shell.connect()
        if self.has_network:
            self.set_cable(False)

    def command(self, payload: pathlib.Path | None, init: str, words: str) -> list[str]:
        disks = {"system": self.disk, **{disk.name: disk for disk in self.further}, **({"payload": payload} if payload else {})}
        command = ["qemu-system-x86_64", "-accel", "tcg", "-cpu", "max", "-smp", "1", "-m", "512M", "-nodefaults", "-display", "none", "-no-reboot",
                   "-kernel", str(self.image.kernel), "-initrd", str(self.image.initrd),
                   "-append", f"console=ttyS0 root=/dev/vda rw quiet no_timer_check panic=-1 loglevel=4 systemd.show_status=1 init={init} {words}"]
        for name, disk in disks.items():
            command += ["-drive", f"file={disk},format=raw,if=none,id={name},cache=unsafe", "-device", f"virtio-blk-pci,drive={name},serial={name}"]
        if self.has_network:
            command += ["-netdev", "user,id=network,restrict=off,ipv6=off", "-device", "virtio-net-pci,netdev=network,id=card,romfile=",
                        "-monitor", f"unix:{self.directory}/monitor.socket,server=on,wait=off"]
        for line in [self.console, self.shell]:
            command += ["-chardev", f"socket,id={line.log.stem},path={line.path},server=on,wait=on,logfile={line.log},logappend=on",
                        "-serial", f"chardev:{line.log.stem}"]
        return command

    def set_cable(self, is_plugged_in: bool) -> None:
        """Plugs the cable of the network in, or pulls it."""
        with socket.socket(socket.AF_UNIX) as monitor:
            until(lambda: monitor.connect_ex(str(self.directory / "monitor.socket")) == 0, "QEMU's monitor")
            monitor.sendall(f"set_link card {'on' if is_plugged_in else 'off'}\n".encode())
            # It has done this when it asks for the next command.
            answer = monitor.makefile()
            until(lambda: "set_link" in answer.readline(), "the answer of QEMU's monitor")

    def add_disk(self, name: str, size: int) -> None:
        """Plugs in an empty disk of so many bytes."""
        disk = self.directory / name
        with disk.open("wb") as file:
            file.truncate(size)
        self.further.append(disk)

    def wait_for_shell(self) -> None:
        """Waits until the system is up so far that the shell answers.

        Once in many hundreds of boots, the emulator stops for ever while the system writes a line to its console. Then it is started once more.
        """
        try:
            self.shell.read_until("ready\n")
        except TimeoutError:
            if not self.console.is_in_a_line():
                raise
            print(f"STALLED: the emulator, in the middle of a line; it is started once more ({self.directory})", flush=True)
            self.cut_power()
            self.start(*self.started)
            self.shell.read_until("ready\n")

    def run(self, command: str, patience: float = PATIENCE) -> tuple[int, str]:
        """Exit code, and standard output and error, of a command in the machine."""
        self.shell.send(base64.b64encode(command.encode()).decode())
        output, code = self.shell.read_until("\n", patience).rsplit(" ", 1)
        return int(code), base64.b64decode(output.strip()).decode(errors="replace")

    def shut_down(self) -> None:
        """Shuts the system down, in order."""
        self.shell.send(base64.b64encode(b"systemctl poweroff").decode())
        self.wait_for_end()

    def wait_for_end(self, patience: float = PATIENCE) -> None:
        """Waits until the machine has switched itself off."""
        assert self.process
        self.process.wait(patience)

    def cut_power(self) -> None:
        """What the machine has not written to its disk by now is lost."""
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()


def until(condition, what: str, patience: float = PATIENCE) -> None:
    deadline = time.monotonic() + patience
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not within {patience} s")
        time.sleep(0.05)


def program() -> pathlib.Path:
    """The program under test: `SOPS_INSTALL_SECRETS`, or the newest static one that was built here."""
    named = os.environ.get("SOPS_INSTALL_SECRETS")
    if named:
        return pathlib.Path(named)
    built = newest("x86_64-unknown-linux-musl/*/sops-install-secrets")
    assert built, "no static program: run make static, or name one in SOPS_INSTALL_SECRETS"
    return built


def program_for_key_services() -> pathlib.Path:
    """The program that asks key services: the newest one that was built here, for whatever target."""
    built = newest("**/sops-key-services")
    assert built, "no sops-key-services: run make key-services"
    return built


def newest(pattern: str) -> pathlib.Path | None:
    """The newest of the programs that were built here as this pattern says."""
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR") or pathlib.Path(__file__).parents[2] / "target")
    return max(target.glob(pattern), key=lambda path: path.stat().st_mtime, default=None)
