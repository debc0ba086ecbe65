#!/usr/bin/env bash
# systemd 252 (of Debian 12) starts a failed service again whenever any ordinary unit is started, if sysinit.target wants the service, a target
# requires it, and it wants that target. Ordinary units need sysinit.target, which is active, so nothing should be done about what it wants.
# Without the circle nothing is.
#
#     a target that requires the service:         started 1 time,  after three starts of an ordinary unit
#     the same, and the service wants the target: started 4 times, after three starts of an ordinary unit
#
# Needs debootstrap, systemd-nspawn, and root. Exits with 1 if the behaviour changes.
set -euo pipefail
scratch=$(mktemp -d)
trap 'rm -rf --one-file-system "$scratch"' EXIT
cd "$scratch"
debootstrap --variant=minbase --include=systemd,systemd-sysv bookworm root > log 2>&1 || { tail log; exit 2; }
chroot root systemctl --version | head -1 | tee version
grep -q '^systemd 252 ' version

cat > boot.sh <<'S'
# usage: boot.sh LINE: boots with a service that fails, which has this line as well, and prints how often it was started
units=root/etc/systemd/system
unit() { printf "[Unit]\n$2" > "$units/$1"; }
mkdir -p "$units/sysinit.target.wants" "$units/multi-user.target.wants"
unit fails.service "DefaultDependencies=no\n$1\n[Service]\nType=oneshot\nExecStart=/bin/sh -c 'echo start >> /starts; exit 1'\n"
unit group.target "DefaultDependencies=no\nRequires=fails.service\nAfter=fails.service\n"
unit ordinary.service "[Service]\nType=oneshot\nExecStart=/bin/true\n"
unit probe.service "[Service]\nType=oneshot\nExecStart=/bin/sh -c 'for i in 1 2 3; do systemctl start ordinary; done; sleep 1'\nExecStopPost=/bin/systemctl poweroff --no-block --force\n"
ln -sf ../fails.service "$units/sysinit.target.wants/"
ln -sf ../probe.service "$units/multi-user.target.wants/"
ln -sf /lib/systemd/system/multi-user.target "$units/default.target"
: > root/starts
# In control groups of its own, so that other containers of this machine do not matter.
for top in /sys/fs/cgroup /sys/fs/cgroup/systemd /sys/fs/cgroup/unified; do
    [ ! -e $top/cgroup.procs ] || { mkdir -p "$top/finding-$$"; echo $$ > "$top/finding-$$/cgroup.procs"; }
done
timeout 300 systemd-nspawn --quiet --register=no --keep-unit --machine="finding-$$" --directory=root --console=pipe --boot > console 2>&1 < /dev/null || true
wc -l < root/starts
S
apart=$(bash boot.sh "")
circle=$(bash boot.sh "Wants=group.target")
echo "a target that requires the service: started $apart time(s); the same, and the service wants the target: started $circle times"
[ "$apart" = 1 ] && [ "$circle" = 4 ]
