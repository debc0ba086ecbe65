#!/usr/bin/env bash
# A container that systemd-nspawn 252 (of Debian 12) starts with --console=pipe has no device at /dev/console. What a program in it writes there
# becomes a regular file of that name in the container, without an error, and nobody sees it. With --console=read-only it comes out.
#
#     pipe:       comes out 0 times; at /dev/console there is: regular file
#     read-only:  comes out 1 time;  at /dev/console there is: character special file
#
# Needs debootstrap, systemd-nspawn, and root. Exits with 1 if the behaviour changes.
set -euo pipefail
scratch=$(mktemp -d)
trap 'rm -rf --one-file-system "$scratch"' EXIT
cd "$scratch"
debootstrap --variant=minbase --include=systemd bookworm root > log 2>&1 || { tail log; exit 2; }
systemd-nspawn --version | head -1 | tee version
grep -q '^systemd 252 ' version

# usage: told CONSOLE: writes a line to /dev/console in a container, and prints how often it came out, and what is at this path then
told() {
    systemd-nspawn --quiet --register=no --keep-unit --machine="finding-$$" --directory=root --console="$1" --bind="$scratch:/out" \
        /bin/sh -c 'echo a line for the console > /dev/console; stat -Lc %F /dev/console > /out/kind' > console 2>&1 < /dev/null
    echo "$(grep -c 'a line for the console' console) $(cat kind)"
}
pipe=$(told pipe)
tty=$(told read-only)
echo "pipe: $pipe; read-only: $tty"
[ "$pipe" = "0 regular file" ] && [ "$tty" = "1 character special file" ]
