"""A container in which the system of this machine boots, with systemd as its init: for what needs neither a kernel nor a disk of its own. Needs root."""

import pathlib
import subprocess
import threading

from machine import PATIENCE, System, until

# In a mount namespace of its own: lays a payload over a copy of this machine's root, which is kept in memory, and boots that.
BOOT = """
directory=$1 payload=$2 init=$3
mkdir "$directory/root" "$directory/upper"
mount -t tmpfs tmpfs "$directory/upper"
mkdir "$directory/upper/files" "$directory/upper/work"
mount -t overlay overlay -o "lowerdir=/,upperdir=$directory/upper/files,workdir=$directory/upper/work" "$directory/root"
cd "$directory/root"
rm -rf etc/systemd/system var/log/journal
cp -a "$payload/." .
# The image has this machine's id, under which the container must not show up.
echo 00000000000000000000000000000001 > etc/machine-id
exec systemd-nspawn --quiet --register=no --keep-unit --machine="sops-${directory##*/}" --directory="$directory/root" --console=pipe "$init"
"""

# Containers share this machine's control groups, so there is one at a time.
TURN = threading.Lock()


class Container(System):
    """A container with a root of its own. Its log is in `directory`."""

    def __init__(self, directory: pathlib.Path):
        self.directory = directory
        directory.mkdir(parents=True)
        self.process: subprocess.Popen | None = None

    def start(self, payload: pathlib.Path, init: str = "/lib/systemd/systemd") -> None:
        """Boots. `payload` is a directory with the files that are laid over the root, /etc/systemd/system as a whole among them."""
        TURN.acquire()
        command = ["unshare", "--mount", "--propagation", "slave", "bash", "-ec", BOOT, "boot", str(self.directory), str(payload), init]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=(self.directory / "console.log").open("wb"), stderr=subprocess.STDOUT)

    def wait_for_shell(self) -> None:
        """Waits until the system is up."""
        until(lambda: self.init() and self.run("systemctl is-system-running --wait")[1].strip() in ["running", "degraded"], f"{self.directory}: the container")

    def init(self) -> str:
        """The process of the container's init, as this machine knows it, or nothing."""
        assert self.process and self.process.poll() is None, (self.directory / "console.log").read_text(errors="replace")
        return pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split(" ")[0]

    def run(self, command: str, patience: float = PATIENCE) -> tuple[int, str]:
        """Exit code, and standard output and error, of a command in the container."""
        enter = ["nsenter", "--target", self.init(), "--mount", "--uts", "--ipc", "--net", "--pid", "bash", "-c", command]
        done = subprocess.run(enter, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=patience,
                              env={"PATH": "/usr/bin:/usr/sbin"})
        return done.returncode, done.stdout.decode(errors="replace")

    def cut_power(self) -> None:
        """Ends the container and all that runs in it."""
        if not self.process:
            return
        if self.process.poll() is None:
            subprocess.run(["kill", "-9", self.init() or str(self.process.pid)], check=True)
        self.process.wait()
        self.process = None
        TURN.release()
