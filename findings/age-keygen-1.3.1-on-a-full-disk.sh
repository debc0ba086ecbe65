#!/usr/bin/env bash
# age-keygen 1.3.1 (and 1.1.1 of Debian 12) prints a public key and exits with 0 when the disk is full, although the key file is empty.
# Nobody can decrypt what is encrypted to that public key.
#
#     on a full disk: exit 0, "Public key: age1…", 0 keys, 0 bytes
#     with room:      exit 0, "Public key: age1…", 1 keys, 189 bytes
#
# Needs Go, and root for a small tmpfs. Exits with 1 if the behaviour changes.
set -euo pipefail
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"
GOBIN=$scratch GOFLAGS=-modcacherw go install filippo.io/age/cmd/age-keygen@v1.3.1

mkdir disk
cat > try.sh <<'S'
mount -t tmpfs -o size=64k tmpfs disk
head -c 1M /dev/zero > disk/filler 2> /dev/null || true
make() { # usage: make NAME
    code=0
    ./age-keygen -o "disk/$1" 2> "said.$1" || code=$?
    echo "$1: exit $code, \"$(cut -c -16 "said.$1")…\", $(grep -c AGE-SECRET-KEY "disk/$1") keys, $(stat -c %s "disk/$1") bytes"
}
make full
rm disk/filler
make room
S
unshare --mount bash try.sh | tee said
grep -q '^full: exit 0, "Public key: age1…", 0 keys, 0 bytes$' said
grep -q '^room: exit 0, "Public key: age1…", 1 keys, ' said
