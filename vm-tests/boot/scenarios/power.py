"""The power is cut while secrets are being installed, again and again, on one disk."""

import hashlib
import os
import random
import time

from payload import value

CUTS = int(os.environ.get("BOOT_CUTS", "20"))
SECRETS = 60
KEY_FILE = "/var/lib/sops-nix/key.txt"

# This script is PID 1. It checks what the last power cut has left, installs over that, and checks again. Then it removes
# everything, and installs once more. The next power cut comes during this installation.
INIT = f"""#!/bin/bash
export PATH=/usr/bin:/usr/sbin HOME=/
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
mount -t tmpfs -o mode=0755 tmpfs /run
exec > /dev/ttyS1 2>&1
problem() {{ echo "problem: $*"; }}
install() {{
  /test/sops-nix-generate-age-key.sh > /dev/null 2> /run/said || problem "key: $(cat /run/said)"
  /test/sops-nix-mount.sh
  /test/sops-nix.sh 2> /run/said || problem "install: $(cat /run/said)"
}}
clear() {{
  rm -rf /etc/app /home/alice {KEY_FILE}*
  mkdir -p /etc/app /home/alice && chown alice /home/alice
  echo mine > /etc/app/s0
  sync
}}
# A key is whole or not there; where a link belongs there is the link, or what was there before; nothing of anybody is lost.
look_at_remains() {{
  [ ! -e {KEY_FILE} ] || age-keygen -y {KEY_FILE} > /dev/null || problem "the key is not whole"
  grep -qsx mine /etc/app/s0 /etc/app/s0.sops-backup || problem "the file that was there is gone: $(ls -la /etc/app)"
  find /etc/app /home/alice -type l ! -lname '/run/secrets/s*' -printf 'problem: link %p to %l\\n'
}}
# All is there, and nothing else.
look_at_all() {{
  sha256sum --quiet -c /test/expected || problem "not what was encrypted"
  age-keygen -y {KEY_FILE} > /dev/null || problem "the key is not whole"
  [ "$(stat -c %a {KEY_FILE})" = 600 ] || problem "mode of the key"
  found=$(find /etc/app /home/alice ! -type d | sort | paste -sd' ')
  [ "$found" = "$(cat /test/listing)" ] || problem "files: $found"
}}
if id alice > /dev/null 2>&1; then
  look_at_remains
else
  useradd alice && clear
fi
install
look_at_all
clear
echo begin
install
echo end
sync
sleep 1000
"""


def tell(lab):
    payload = lab.payload("generated-key-by-unit")
    texts = {f"s{number}": lab.secret(value(f"s{number}")) for number in range(SECRETS)}
    paths = {name: f"/etc/app/{name}" if number % 2 == 0 else f"/home/alice/app/{name}" for number, name in enumerate(texts)}
    file = payload.encrypt("secrets.yaml", texts)
    payload.manifest("manifest.json", [payload.secret(name, file, path=paths[name], owner="alice") for name in texts])
    payload.write("test/expected", "".join(f"{hashlib.sha256(text.encode()).hexdigest()}  {paths[name]}\n" for name, text in texts.items()))
    payload.write("test/listing", " ".join(sorted([*paths.values(), "/etc/app/s0.sops-backup"])) + "\n")
    payload.write("test/init", INIT, 0o755)
    machine = lab.machine()
    seed = os.environ.get("BOOT_SEED") or str(random.randrange(10**6))
    moments = random.Random(seed)

    with lab.scenario("11", f"the power is cut {CUTS} times while secrets are installed: the next boot is whole (BOOT_SEED={seed})"):
        machine.start(payload.archive(), init="/test/init")
        span = duration(machine)
        machine.cut_power()
        for _ in range(CUTS):
            machine.start(init="/test/init")
            assert_no_problem(machine.shell.read_until("begin\r\n"))
            # Some cuts come shortly after the end of the installation, before the kernel has written everything to the disk by
            # itself.
            time.sleep(moments.uniform(0, 1.2 * span))
            machine.cut_power()
        machine.start(init="/test/init")
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
