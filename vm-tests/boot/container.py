"""A container in which the system of this machine boots, with systemd as its init: for what needs neither a kernel nor a disk of its own. Needs root."""

import os
import pathlib
import subprocess
import threading

from machine import PATIENCE, System, until

# The root whose system boots: the root of this machine, or another root with another systemd.
SYSTEM = os.environ.get("BOOT_SYSTEM", "/")

# Runs in a mount namespace of its own. Lays a payload over a copy of that root, which is kept in memory, and boots the copy. If the
# container has users of its own, each copied file gets another owner. So only a few directories such as /etc are copied then, and
# /usr is the directory of the root itself.
BOOT = """
directory=$1 payload=$2 init=$3 system=$4 users=$5
shift 5
name=sops-${directory##*/}
# What runs in other containers of this machine, or ran in one with other users, is in other control groups.
for top in /sys/fs/cgroup /sys/fs/cgroup/systemd /sys/fs/cgroup/unified; do
  [ ! -e $top/cgroup.procs ] || { mkdir -p "$top/$name-$$"; echo $$ > "$top/$name-$$/cgroup.procs"; }
done
mkdir "$directory/root"
if [ "$users" ]; then
  mount -t tmpfs tmpfs "$directory/root"
  cd "$directory/root"
  mkdir usr var tmp run proc sys dev root home
  cp -a "$system"/etc "$system"/bin "$system"/sbin "$system"/lib* .
  set -- --private-users="$users" --private-users-ownership=chown --bind-ro="$system/usr:/usr" "$@"
else
  mkdir "$directory/upper"
  mount -t tmpfs tmpfs "$directory/upper"
  mkdir "$directory/upper/files" "$directory/upper/work"
  mount -t overlay overlay -o "lowerdir=$system,upperdir=$directory/upper/files,workdir=$directory/upper/work" "$directory/root"
  cd "$directory/root"
fi
rm -rf etc/systemd/system var/log/journal
cp -a "$payload/." .
# The image has this machine's id, under which the container must not show up.
echo 00000000000000000000000000000001 > etc/machine-id
exec systemd-nspawn --quiet --register=no --keep-unit --machine="$name" --directory="$directory/root" --console=pipe "$@" "$init"
"""

# Several boots at the same time would take as long as one after the other, and more memory. So only one boots at a time.
TURN = threading.Lock()


NAMESPACE = ["unshare", "--mount", "--propagation", "slave", "bash", "-ec"]


def enter(process: int | str, namespaces: list[str], command: str, patience: float) -> tuple[int, str]:
    """Exit code, and standard output and error, of a command in namespaces of a process."""
    words = ["nsenter", f"--target={process}", *[f"--{namespace}" for namespace in namespaces], "bash", "-c", command]
    done = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=patience, env={"PATH": "/usr/bin:/usr/sbin"})
    return done.returncode, done.stdout.decode(errors="replace")


class Host(System):
    """This machine with a /run of its own, for containers that get something of it."""

    def __init__(self) -> None:
        self.process = subprocess.Popen([*NAMESPACE, "mount -t tmpfs tmpfs /run; echo; exec sleep infinity"], stdout=subprocess.PIPE)
        assert self.process.stdout
        self.process.stdout.readline()

    def run(self, command: str, patience: float = PATIENCE) -> tuple[int, str]:
        """Exit code, and standard output and error, of a command on the host."""
        return enter(self.process.pid, ["mount"], command, patience)

    def cut_power(self) -> None:
        """Ends it. Nothing of it is left."""
        self.process.kill()
        self.process.wait()


class Container(System):
    """A container with a root of its own. Its log is in `directory`. `users`: the first number of its own users, if it has such."""

    def __init__(self, directory: pathlib.Path, users: int | None = None):
        self.directory = directory
        self.users = users
        directory.mkdir(parents=True)
        self.process: subprocess.Popen | None = None

    def start(self, payload: pathlib.Path, init: str = "/lib/systemd/systemd", options: tuple = (), host: Host | None = None) -> None:
        """Boots. `payload` is a directory with the files that are laid over the root, /etc/systemd/system as a whole among them. `options`: of systemd-nspawn.
        `host`: where it is started, if that is not this machine."""
        TURN.acquire()
        on_host = ["nsenter", f"--target={host.process.pid}", "--mount"] if host else []
        command = [*on_host, *NAMESPACE, BOOT, "boot", str(self.directory), str(payload), init, SYSTEM, str(self.users or ""), *options]
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
        return enter(self.init(), ["mount", "uts", "ipc", "net", "pid", *(["user"] if self.users else [])], command, patience)

    def cut_power(self) -> None:
        """Ends the container and all that runs in it."""
        if not self.process:
            return
        if self.process.poll() is None:
            subprocess.run(["kill", "-9", self.init() or str(self.process.pid)], check=True)
        self.process.wait()
        groups = f"sops-{self.directory.name}-{self.process.pid}"
        until(lambda: subprocess.run(["find", "/sys/fs/cgroup/", "-depth", "-type", "d", "-path", f"*/{groups}*", "-delete"], stderr=subprocess.DEVNULL).returncode == 0,
              f"{groups}: the end of all processes in it")
        self.process = None
        TURN.release()
