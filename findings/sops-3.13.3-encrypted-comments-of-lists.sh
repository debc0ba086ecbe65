#!/usr/bin/env bash
# sops 3.13.3 does not decrypt its own file if `encrypted_comment_regex` encrypts a comment in a list: the value after that comment
# stays a token, and the MAC does not match. The same comment in a map works.
#
# A comment that matches begins an encrypted part, and the next value ends it. When sops encrypts, it sees a second comment in between
# as a comment. When it decrypts, it sees that comment as a token among the values of the list, which ends the part too early.
#
#     in a map: exit 0
#     in a list: exit 51, MAC mismatch. File has …, computed …
#     in a list, with --ignore-mac: exit 0, and prints "- ENC[AES256_GCM,data:…,type:str]" for the value
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
cat > rules.yaml <<R
creation_rules:
  - age: $(./age-keygen -y key.txt)
    encrypted_comment_regex: "sops:enc"
R
printf 'hosts:\n  # sops:enc\n  # a second comment\n  host: a.example.org\n' > map.yaml
printf 'hosts:\n  # sops:enc\n  # a second comment\n  - a.example.org\n' > list.yaml

status=0
decrypt() { # usage: decrypt NAME [OPTION], which sets `code`
    code=0
    ./sops --config rules.yaml encrypt "$1.yaml" > encrypted.yaml
    ./sops decrypt ${2:-} encrypted.yaml > printed 2> complaint || code=$?
    echo "in a $1 ${2:-}: exit $code, $(head -c 60 complaint)"
}
decrypt map
[ "$code" = 0 ] || status=1
decrypt list
[ "$code" = 51 ] && grep -q 'MAC mismatch' complaint || status=1
decrypt list --ignore-mac
[ "$code" = 0 ] && grep '^ *- ENC\[AES256_GCM,data:.*type:str\]$' printed || status=1
exit $status
