"""The power is cut while secrets are being installed, changed and removed, again and again, on one disk."""

import hashlib
import os
import random
import time

from payload import value

CUTS = int(os.environ.get("BOOT_CUTS", "14"))
SECRETS = 40
KEY_FILE = "/var/lib/sops-nix/key.txt"
LEDGER = "/var/lib/sops-nix/ledger.json"
# A second disk, with its own order of what is written: the copies and half of the links are on it, and the ledger is on the first one.
DISK = "/dev/vdb"
# The contents of two copies, before and after a change: so long that half of one is no whole one.
COPIES = {name: "".join(f"{name} {number}\n" for number in range(10_000)) for name in ["one", "two"]}

# This script is PID 1. It checks what the last power cut has left. After every other cut it installs over that first, and checks again. Then the
# program has to remove everything, by what the ledger knows. After that it installs, changes the copies, and removes once more; the next power cut comes
# during that.
INIT = f"""#!/bin/bash
export PATH=/usr/bin:/usr/sbin HOME=/
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
mount -t tmpfs -o mode=0755 tmpfs /run
mount {DISK} /srv 2> /dev/null || {{ mkfs.ext4 -q {DISK} && mount {DISK} /srv; }}
exec > /dev/ttyS1 2>&1
problem() {{ echo "problem: $*"; }}
install() {{
  /test/sops-nix-generate-age-key.sh > /dev/null 2> /run/said || problem "key: $(cat /run/said)"
  /test/sops-nix-mount.sh
  /test/sops-nix.sh 2> /run/said || problem "install: $(cat /run/said)"
}}
with_manifest() {{
  /test/program /test/$1.json 2> /run/said || problem "$1: $(cat /run/said)"
}}
# What somebody has at places where a link and a copy belong.
begin() {{
  useradd alice
  mkdir -p /srv/app /home/alice && chown alice /home/alice
  for name in s0 c0; do echo mine > /srv/app/$name; done
  sync
}}
# A key is whole or not there; where a link or a copy belongs there is that, or what was there before; a copy is the old one or the new one, and whole; nothing of
# anybody is lost.
look_at_remains() {{
  [ ! -e {KEY_FILE} ] || age-keygen -y {KEY_FILE} > /dev/null || problem "the key is not whole"
  for name in s0 c0; do
    grep -qsx mine /srv/app/$name /srv/app/$name.sops-backup /srv/app/$name.sops-new || problem "the file that was there is gone: $(ls -la /srv/app)"
  done
  find /srv/app /home/alice -type l ! -lname '/run/secrets/s*' -printf 'problem: link %p to %l\\n'
  for copy in /srv/app/c0 /srv/app/c1; do
    [ ! -e $copy ] || [ "$(cat $copy)" = mine ] || grep -q "^$(sha256sum < $copy | cut -c -64)" /test/copies || problem "$copy is no whole copy"
  done
}}
# Nothing of ours is left, and what was there first is at its place again.
look_at_nothing() {{
  found=$(find /srv/app /home/alice | sort | paste -sd' ')
  [ "$found" = "/home/alice /srv/app /srv/app/c0 /srv/app/s0" ] || problem "left, or missing: $found; $(cat /run/said)"
  [ "$(cat /srv/app/c0 /srv/app/s0 | paste -sd' ')" = "mine mine" ] || problem "what was there is not what it was"
  [ ! -e {LEDGER} ] || problem "the ledger is left: $(cat {LEDGER})"
}}
# All is there, and nothing else.
look_at_all() {{
  sha256sum --quiet -c /test/expected || problem "not what was encrypted"
  age-keygen -y {KEY_FILE} > /dev/null || problem "the key is not whole"
  [ "$(stat -c %a {KEY_FILE})" = 600 ] || problem "mode of the key"
  found=$(find /srv/app /home/alice ! -type d | sort | paste -sd' ')
  [ "$found" = "$(cat /test/listing)" ] || problem "files: $found"
}}
if id alice > /dev/null 2>&1; then
  look_at_remains
else
  begin
fi
if ! grep -q remove=first /proc/cmdline; then
  install
  look_at_all
fi
with_manifest empty
look_at_nothing
rm -f {KEY_FILE}*
sync
echo begin
install
with_manifest changed
with_manifest empty
echo end
sync
sleep 1000
"""


def tell(lab):
    payload = lab.payload("generated-key-by-unit")
    texts = {f"s{number}": lab.secret(value(f"s{number}")) for number in range(SECRETS)}
    paths = {name: f"/srv/app/{name}" if number % 2 == 0 else f"/home/alice/app/{name}" for number, name in enumerate(texts)}
    file = payload.encrypt("secrets.yaml", texts)
    secrets = [payload.secret(name, file, path=paths[name], owner="alice") for name in texts]
    copies = {name: f"/srv/app/{name}" for name in ["c0", "c1"]}

    def templates(content):
        return [payload.template(name, COPIES[content], path=path, install="copy", copyToDisk=True) for name, path in copies.items()]

    payload.manifest("manifest.json", secrets, templates("one"))
    payload.manifest("changed.json", secrets, templates("two"))
    payload.manifest("empty.json", [])
    expected = {**{paths[name]: text for name, text in texts.items()}, **{path: COPIES["one"] for path in copies.values()}}
    payload.write("test/expected", "".join(f"{hashlib.sha256(text.encode()).hexdigest()}  {path}\n" for path, text in expected.items()))
    payload.write("test/copies", "".join(f"{hashlib.sha256(text.encode()).hexdigest()}\n" for text in COPIES.values()))
    payload.write("test/listing", " ".join(sorted([*expected, "/srv/app/s0.sops-backup", "/srv/app/c0.sops-backup"])) + "\n")
    payload.write("test/init", INIT, 0o755)
    machine = lab.machine()
    machine.add_disk("data", 64 << 20)
    seed = os.environ.get("BOOT_SEED") or str(random.randrange(10**6))
    moments = random.Random(seed)

    with lab.scenario("11", f"the power is cut {CUTS} times while secrets are installed, changed and removed: the next boot is whole, and nothing of ours is forgotten (BOOT_SEED={seed})"):
        machine.start(payload.archive(), init="/test/init")
        span = duration(machine)
        machine.cut_power()
        for cut in range(CUTS):
            machine.start(init="/test/init", words="remove=first" if cut % 2 else "")
            assert_no_problem(machine.shell.read_until("begin\r\n"))
            # Some cuts come shortly after the end of the installation, before the kernel has written everything to the disk by
            # itself.
            time.sleep(moments.uniform(0, 1.2 * span))
            machine.cut_power()
        machine.start(init="/test/init", words="remove=first")
        assert_no_problem(machine.shell.read_until("begin\r\n"))
        machine.cut_power()

    with lab.scenario("13f", "no plaintext on the disk after all these cuts (power)"):
        lab.search_for_leaks(machine)


def duration(machine):
    """How long an installation takes, in seconds, on a machine that nobody cuts off."""
    assert_no_problem(machine.shell.read_until("begin\r\n"))
    start = time.monotonic()
    assert_no_problem(machine.shell.read_until("end\r\n"))
    return time.monotonic() - start


def assert_no_problem(said):
    assert "problem" not in said, said
