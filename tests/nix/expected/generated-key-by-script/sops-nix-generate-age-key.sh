#!/bin/sh
export PATH='/nix/store/00000000000000000000000000000000-coreutils/bin:/nix/store/00000000000000000000000000000000-util-linux/bin'
key=/var/lib/sops-nix/key.txt
# An empty file is no key. A full disk may have left it, or whoever gave it its owner.
isThere() { [ -e "$key" ] && { [ -s "$key" ] || [ ! -f "$key" ]; }; }
isThere && exit 0

set -e
echo "generating the age key of this machine: $key"
# A link may lead to a place that is yet to be made.
target=$(readlink -mv "$key")
[ ! -L "$target" ] || { echo "$key leads to itself: remove it" >&2; exit 1; }
directory=$(dirname "$target")
mkdir -p -m 0700 "$directory"
# One at a time, where the file system has locks.
exec 9< "$directory"
flock 9 || true
isThere && exit 0

# A key that a power cut left half-written would be taken for a key for ever: it gets its name when it is whole and on the disk.
new=$target.new
rm -f "$new"
trap 'rm -f "$new"' EXIT
# It makes the file with mode 0600. On a full disk age-keygen 1.3.2 prints a public key before it fails, and up to 1.3.1 it makes an empty file and
# says that all is well.
said=$(/nix/store/00000000000000000000000000000000-age/bin/age-keygen -o "$new" 2>&1) || { echo "${said#Public key: *$'\n'}" >&2; exit 1; }
publicKey=$(/nix/store/00000000000000000000000000000000-age/bin/age-keygen -y "$new" 2> /dev/null) || { echo "cannot write $new: see whether the disk is full: df $directory" >&2; exit 1; }
sync "$new"
# Somebody who takes no lock may have been quicker. Only an empty file is replaced.
isThere && exit 0
if [ -e "$target" ]; then mv -T "$new" "$target"; else mv -nT "$new" "$target"; fi
[ ! -e "$new" ] || { isThere; exit; }
sync "$target" "$directory"
echo "Public key: $publicKey"
