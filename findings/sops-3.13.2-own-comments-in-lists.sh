#!/usr/bin/env bash
# sops 3.13.2 does not decrypt a file that it has just encrypted itself, if a list in it has a comment. 3.13.3 reads the same file.
#
# The comment is stored as one more token of the list. 3.13.2 leaves it out of the MAC when it encrypts, and includes it when it
# decrypts. So the message says that the file was changed, although nobody changed it:
#
#     3.13.2 decrypts its own file: exit 51, MAC mismatch. File has …, computed …
#     3.13.3 decrypts the file of 3.13.2: exit 0
#
# Needs Go. Exits with 1 if the behaviour changes.
set -euo pipefail
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"
for version in 3.13.2 3.13.3; do
    GOBIN=$scratch/$version GOFLAGS=-modcacherw go install "github.com/getsops/sops/v3/cmd/sops@v$version"
done
GOBIN=$scratch GOFLAGS=-modcacherw go install filippo.io/age/cmd/age-keygen@v1.3.1

./age-keygen -o key.txt 2> /dev/null
export SOPS_AGE_KEY_FILE=$scratch/key.txt SOPS_DISABLE_VERSION_CHECK=1
printf 'hosts:\n  # the old one\n  - a.example.org\n' > plain.yaml
3.13.2/sops encrypt --age "$(./age-keygen -y key.txt)" plain.yaml > encrypted.yaml

status=0
decrypt() { # usage: decrypt VERSION, which sets `code`
    code=0
    "$1/sops" decrypt encrypted.yaml > /dev/null 2> complaint || code=$?
    echo "$1: exit $code, $(head -c 60 complaint)"
}
decrypt 3.13.2
[ "$code" = 51 ] && grep -q 'MAC mismatch' complaint || status=1
decrypt 3.13.3
[ "$code" = 0 ] || status=1
exit $status
