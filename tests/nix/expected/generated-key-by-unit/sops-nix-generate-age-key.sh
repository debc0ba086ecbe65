#!/bin/sh
export PATH='/nix/store/00000000000000000000000000000000-coreutils/bin'
key=/var/lib/sops-nix/key.txt
[ -e "$key" ] && exit 0

set -e
echo "generating the age key of this machine: $key"
mkdir -p -m 0700 "$(dirname "$key")"
# A key that a power cut left half-written would be taken for a key for ever: it gets its name when it is whole and on the disk.
rm -f "$key.new"
# age-keygen makes the file with mode 0600 and prints the public key.
/nix/store/00000000000000000000000000000000-age/bin/age-keygen -o "$key.new"
sync "$key.new"
mv -nT "$key.new" "$key"
