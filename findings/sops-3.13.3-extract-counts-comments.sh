#!/usr/bin/env bash
# sops 3.13.3 counts the comments of a list as its elements in `--extract`. So the elements after a
# comment have a higher index than in the document, and the index of a comment prints sops's own structure for it.
#
#     hosts:                       sops decrypt --extract '["hosts"][0]': a.example.org
#         - a.example.org          sops decrypt --extract '["hosts"][1]': value: ' a comment'
#         # a comment                                                     inline: false
#         - b.example.org          sops decrypt --extract '["hosts"][2]': b.example.org
#
# Needs Go. Exits with 1 if the behaviour changes.
set -euo pipefail
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"
export GOBIN=$scratch GOFLAGS=-modcacherw
go install github.com/getsops/sops/v3/cmd/sops@v3.13.3
go install filippo.io/age/cmd/age-keygen@v1.3.1

./age-keygen -o key.txt 2> /dev/null
export SOPS_AGE_KEY_FILE=$scratch/key.txt SOPS_DISABLE_VERSION_CHECK=1
printf 'hosts:\n  - a.example.org\n  # a comment\n  - b.example.org\n' > list.yaml
./sops encrypt --age "$(./age-keygen -y key.txt)" --in-place list.yaml

for index in 0 1 2; do
    ./sops decrypt --extract "[\"hosts\"][$index]" list.yaml > "$index"
    printf '%s: %s\n' "$index" "$(tr '\n' ' ' < "$index")"
done
grep -qx 'a.example.org' 0
grep -q "^value: ' a comment'" 1
grep -q '^inline: false' 1
grep -qx 'b.example.org' 2
