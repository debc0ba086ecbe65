"""The Debian system that boots: made once, kept in the cache, never written to afterwards."""

import hashlib
import os
import pathlib
import shutil
import subprocess
import tempfile

RELEASE = "bookworm"
MIRROR = "http://deb.debian.org/debian"
# age: its key generator is what the units call. cryptsetup-bin makes an encrypted disk. The rest is what every system with systemd has.
PACKAGES = "age cryptsetup-bin kmod systemd systemd-sysv udev"
# Not unpacked: what nobody reads here.
SUPERFLUOUS = ["usr/share/doc", "usr/share/locale", "usr/share/man", "usr/share/info", "var/cache/apt", "var/lib/apt/lists"]
# Built as modules in Debian's kernel; without them it finds no disk and no network, and cannot open an encrypted disk.
MODULES = "virtio_pci virtio_blk virtio_net dm_crypt xts algif_skcipher"
DISK_SIZE = "700M"

# Unpacks the disk that is an archive and no file system over the first one, and hands over as any initrd does.
INIT = """#!/bin/busybox sh
export PATH=/bin
/bin/busybox --install /bin
mount -t devtmpfs devtmpfs /dev
mount -t proc proc /proc
mount -t sysfs sysfs /sys
while read -r module; do insmod "/modules/$module"; done < /modules/order
while [ ! -b /dev/vda ]; do usleep 10000; done
mount -t ext4 /dev/vda /root
for disk in /sys/block/vd*; do
  if [ "$(cat "$disk/serial")" = payload ]; then tar -xf "/dev/${disk##*/}" -C /root; fi
done
init=/sbin/init
for word in $(cat /proc/cmdline); do
  case $word in init=*) init=${word#init=} ;; esac
done
umount /proc /sys /dev
exec switch_root /root "$init"
"""

# A shell for the test on the second serial line: each line is a command in base64, each answer its output in base64, and its exit code.
BACKDOOR = """#!/bin/bash
stty raw -echo
echo ready
while read -r line; do
  output=$(bash -c "$(base64 -d <<< "$line")" 2>&1 < /dev/null | base64 -w 0; echo " ${PIPESTATUS[0]}")
  echo "$output"
done
"""
BACKDOOR_UNIT = """[Unit]
Description=Shell of the test
[Service]
ExecStart=/usr/local/sbin/backdoor
StandardInput=tty
StandardOutput=tty
StandardError=null
TTYPath=/dev/ttyS1
"""


class Image:
    """Kernel, initrd and disk, as files in `directory`."""

    def __init__(self, directory: pathlib.Path):
        self.kernel = directory / "kernel"
        self.initrd = directory / "initrd"
        self.disk = directory / "disk"


def image() -> Image:
    """The image in the cache, made if it is not there or this file has changed. Needs root and the Debian mirror then."""
    cache = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "sops-install-secrets-ci" / "boot"
    cache.mkdir(parents=True, exist_ok=True)
    name = hashlib.sha256(pathlib.Path(__file__).read_bytes()).hexdigest()[:16]
    if not (cache / name).exists():
        with tempfile.TemporaryDirectory(dir=cache, prefix="new-") as new:
            make(pathlib.Path(new))
            os.rename(pathlib.Path(new) / "image", cache / name)
        for old in cache.iterdir():
            if old.name != name:
                shutil.rmtree(old)
    return Image(cache / name)


def make(directory: pathlib.Path) -> None:
    """Makes `image` in the directory."""
    root = directory / "root"
    root.mkdir()
    # dpkg waits for the disk after every file; in memory there is nothing to wait for.
    call("mount", "-t", "tmpfs", "-o", "size=1G", "tmpfs", root)
    try:
        make_from(root, directory)
    finally:
        call("umount", root)


def make_from(root: pathlib.Path, directory: pathlib.Path) -> None:
    call("debootstrap", "--variant=minbase", "--include=" + PACKAGES.replace(" ", ","), RELEASE, root, MIRROR)
    unpack_kernel(root)
    configure(root)
    (directory / "image").mkdir()
    made = Image(directory / "image")
    shutil.copy(next(root.glob("kernel/boot/vmlinuz-*")), made.kernel)
    make_initrd(root, directory / "initrd", made.initrd)
    shutil.rmtree(root / "kernel")
    for name in SUPERFLUOUS:
        shutil.rmtree(root / name, ignore_errors=True)
    call("mkfs.ext4", "-q", "-d", root, made.disk, DISK_SIZE)


def unpack_kernel(root: pathlib.Path) -> None:
    """Debian's cloud kernel and a static busybox in `kernel`: unpacked, not installed, which would make an initrd that nobody needs."""
    in_root(root, "mkdir /kernel && cd /kernel && apt-get -q update"
            " && apt-get -q download busybox-static $(apt-cache depends linux-image-cloud-amd64 | sed -n 's/.*Depends: //p')"
            " && for package in *.deb; do dpkg-deb -x $package .; done"
            " && depmod -b . $(ls lib/modules)")


def make_initrd(root: pathlib.Path, directory: pathlib.Path, initrd: pathlib.Path) -> None:
    """busybox, the modules for the disk, and `INIT`."""
    for name in ["bin", "dev", "proc", "sys", "root", "modules"]:
        (directory / name).mkdir(parents=True)
    shutil.copy(root / "kernel/bin/busybox", directory / "bin")
    order = in_root(root, f"for module in {MODULES}; do modprobe -d /kernel -S $(ls /kernel/lib/modules) --show-depends $module; done"
                          " | awk '!seen[$2]++ { print $2 }'")
    modules = [pathlib.Path(line) for line in order.split()]
    for module in modules:
        shutil.copy(root / module.relative_to("/"), directory / "modules")
    (directory / "modules/order").write_text("".join(module.name + "\n" for module in modules))
    write(directory / "init", INIT, 0o755)
    archive = subprocess.run("find . | bin/busybox cpio -o -H newc", shell=True, cwd=directory, check=True, stdout=subprocess.PIPE,
                             stderr=subprocess.DEVNULL)
    initrd.write_bytes(archive.stdout)


def configure(root: pathlib.Path) -> None:
    """What makes the boot short and the same each time, and lets the test look in."""
    write(root / "usr/local/sbin/backdoor", BACKDOOR, 0o755)
    write(root / "etc/systemd/system/backdoor.service", BACKDOOR_UNIT)
    wants = root / "etc/systemd/system/multi-user.target.wants"
    wants.mkdir(exist_ok=True)
    (wants / "backdoor.service").symlink_to("../backdoor.service")
    for unit in ["apt-daily.timer", "apt-daily-upgrade.timer", "dpkg-db-backup.timer", "e2scrub_all.timer", "e2scrub_reap.service",
                 "fstrim.timer", "getty@tty1.service", "systemd-networkd.service", "systemd-logind.service", "systemd-update-utmp.service",
                 "systemd-update-utmp-runlevel.service", "dev-hugepages.mount", "dev-mqueue.mount", "sys-kernel-debug.mount",
                 "sys-kernel-tracing.mount", "modprobe@configfs.service", "modprobe@dm_mod.service", "modprobe@drm.service",
                 "modprobe@efi_pstore.service", "modprobe@fuse.service", "modprobe@loop.service"]:
        (root / "etc/systemd/system" / unit).unlink(missing_ok=True)
        (root / "etc/systemd/system" / unit).symlink_to("/dev/null")
    write(root / "etc/machine-id", "0" * 31 + "1\n")
    write(root / "etc/hostname", "boot\n")
    write(root / "etc/fstab", "/dev/vda / ext4 rw 0 1\n")
    # On the disk, so that the next boot can look into it, and what goes into it can be found there.
    (root / "var/log/journal").mkdir(exist_ok=True)
    write(root / "etc/systemd/journald.conf", "[Journal]\nCompress=no\nRateLimitBurst=0\nSystemMaxUse=16M\n")


def write(path: pathlib.Path, text: str, mode: int = 0o644) -> None:
    path.write_text(text)
    path.chmod(mode)


def in_root(root: pathlib.Path, script: str) -> str:
    return call("chroot", root, "sh", "-ec", script)


def call(*command: object) -> str:
    """The output of a command. When it fails, what it said is in the error."""
    done = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"{command[0]} ended with {done.returncode}:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return done.stdout
