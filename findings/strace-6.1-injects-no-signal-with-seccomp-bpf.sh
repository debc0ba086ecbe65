#!/usr/bin/env bash
# strace 6.1 (of Debian 12) injects no signal if the kernel stops only the traced calls (--seccomp-bpf): the call is made and the process
# goes on, whatever the signal. Injected errors work in both ways. The manual names no such limit. So a test that kills a program at
# a system call passes, and has killed nothing.
#
#     without --seccomp-bpf: mkdir fails with EIO: yes; SIGKILL ends the process: yes; SIGTERM ends the process: yes
#     with --seccomp-bpf:    mkdir fails with EIO: yes; SIGKILL ends the process: no; SIGTERM ends the process: no
#
# Needs apt with the archive of Debian 12, dpkg and python3. Exits with 1 if the behaviour changes.
set -euo pipefail
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"
chmod 755 .
apt-get -q download strace=6.1-0.1 > log 2>&1 || { cat log; exit 2; }
dpkg -x strace_6.1-0.1_*.deb strace

# usage: ends INJECTION STATUS OPTION…: whether the process that makes a directory ends with this status
ends() {
    local injection=$1 wanted=$2 status=0
    shift 2
    rm -rf made
    strace/usr/bin/strace -f "$@" -o /dev/null -e trace=mkdir -e "inject=mkdir:$injection:when=1" \
        python3 -c 'import os; os.mkdir("made")' 2> /dev/null || status=$?
    if [ "$status" = "$wanted" ]; then echo yes; else echo no; fi
}
seen() {
    echo "mkdir fails with EIO: $(ends error=EIO 1 "$@"); SIGKILL ends the process: $(ends signal=KILL 137 "$@"); SIGTERM ends the process: $(ends signal=TERM 143 "$@")"
}
without=$(seen)
with=$(seen --seccomp-bpf)
printf 'without --seccomp-bpf: %s\nwith --seccomp-bpf:    %s\n' "$without" "$with"
[ "$without" = "mkdir fails with EIO: yes; SIGKILL ends the process: yes; SIGTERM ends the process: yes" ]
[ "$with" = "mkdir fails with EIO: yes; SIGKILL ends the process: no; SIGTERM ends the process: no" ]
