#!/usr/bin/env bash
# sops 3.13.3 does not encrypt to a tagged age recipient (age1tag1…, age1tagpq1…) unless there is a program `age-plugin-tag` or
# `age-plugin-tagpq`, although sops is built with age 1.3, which encrypts to them without a plugin. Plugins for hardware print such
# recipients by now, age-plugin-tpm for instance. Its users see the error when they run `sops updatekeys`.
#
#     age: exit 0, stanza p256tag
#     sops: exit 1, tag plugin: couldn't start plugin: "tag" plugin not found
#     sops with age-plugin-tag in PATH: exit 0, and what it writes opens by the plugin that has the identity
#
# Needs Go. Exits with 1 if the behaviour changes.
set -euo pipefail
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"
mkdir bin tag
export GOFLAGS=-modcacherw
GOBIN=$scratch/bin go install github.com/getsops/sops/v3/cmd/sops@v3.13.3
# The last one has an identity for everybody, for tests of age.
GOBIN=$scratch/bin go install filippo.io/age/cmd/age@v1.3.2
GOBIN=$scratch/bin go install filippo.io/age/tag/internal/age-plugin-tagtest@v1.3.2
GOBIN=$scratch/tag go install filippo.io/age/extra/age-plugin-tag@v1.3.2
export PATH=$scratch/bin:/usr/bin:/bin SOPS_DISABLE_VERSION_CHECK=1
recipient=age1tag1qwe0kafsjrar4txm6heqnhpfuggzr0gvznz7fvygxrlq90u5mq2pysxtw6h
echo 'a: secret' > plain.yaml

status=0
age --encrypt --recipient "$recipient" plain.yaml > plain.age || status=1
sed -n 's/^\(-> [a-z0-9]*\) .*/age: \1/p' plain.age | grep -a 'p256tag' || status=1

code=0
sops encrypt --age "$recipient" plain.yaml > /dev/null 2> complaint || code=$?
echo "sops: exit $code, $(grep -o 'tag plugin: .*not found' complaint)"
[ "$code" = 1 ] && grep -q '"tag" plugin not found' complaint || status=1

PATH=$scratch/tag:$PATH sops encrypt --age "$recipient" plain.yaml > encrypted.yaml || status=1
# The identity of age-plugin-tagtest, which is empty.
printed=$(SOPS_AGE_KEY=AGE-PLUGIN-TAGTEST-1CXM4UC sops decrypt encrypted.yaml) || status=1
echo "sops with age-plugin-tag: $printed"
[ "$printed" = 'a: secret' ] || status=1
exit $status
