#!/bin/sh
export PATH='/nix/store/00000000000000000000000000000000-coreutils/bin:/nix/store/00000000000000000000000000000000-util-linux/bin'
key=/var/lib/sops-nix/key.txt
# An empty file is no key. A full disk may have left it, or a program that made the file only to set its owner.
isThere() { [ -e "$key" ] && { [ -s "$key" ] || [ ! -f "$key" ]; }; }
isThere && exit 0

set -e
fail() { echo "$1" >&2; exit 1; }
echo "generating the age key of this machine: $key"
# A link may lead to a place that is yet to be made.
target=$(readlink -mv "$key")
[ ! -L "$target" ] || fail "$key is a symlink that leads to itself: remove it"
directory=$(dirname "$target")
mkdir -p -m 0700 "$directory"
# A lock lets only one such script work at a time, if the file system has locks.
exec 9< "$directory"
flock 9 || true
isThere && exit 0

# A file on which another file is mounted, for example one that is kept on another disk, cannot be replaced. So it is written in place.
if mountpoint -q "$target"; then written=$target; else written=$directory; fi
[ -w "$written" ] || fail "cannot write to $written; to see how it is mounted and who owns it, run: findmnt --target $written; ls -ld $written"
isFull() { fail "cannot write $1; to see whether the disk is full, run: df $written"; }

# The key is appended by a single write, after anything that a program without the lock may have written meanwhile. (Several writes would begin with the
# comment of age-keygen. If the script ended there, the file would have no key, and would never be replaced.)
writeInPlace() {
  identity=$(/nix/store/00000000000000000000000000000000-age/bin/age-keygen 2> /dev/null) || fail "age-keygen printed no key"
  chmod go= "$target"
  printf '%s\n' "$identity" | dd iflag=fullblock oflag=append conv=notrunc bs=64k status=none of="$target" 2> /dev/null && return
  # A key that was written only in part must not be taken for a key.
  case $identity in "$(cat "$target")"*) : > "$target" ;; esac
  isFull "$target"
}

# A power cut may leave a half-written key, which would be taken for a key for ever. So the file gets its name only when it is complete and on the disk.
replace() {
  new=$target.new
  rm -f "$new"
  trap 'rm -f "$new"' EXIT
  # It makes the file with mode 0600. On a full disk age-keygen 1.3.2 prints a public key before it fails, and up to 1.3.1 it makes an empty file and
  # says that all is well.
  said=$(/nix/store/00000000000000000000000000000000-age/bin/age-keygen -o "$new" 2>&1) || fail "${said#Public key: *$'\n'}"
  /nix/store/00000000000000000000000000000000-age/bin/age-keygen -y "$new" > /dev/null 2>&1 || isFull "$new"
  sync "$new"
  # Somebody who takes no lock may have been quicker. Only an empty file is replaced.
  isThere && exit 0
  if [ -e "$target" ]; then mv -T "$new" "$target"; else mv -nT "$new" "$target"; fi
  [ ! -e "$new" ] || { isThere; exit; }
}

if [ "$written" = "$target" ]; then writeInPlace; else replace; fi
sync "$target" "$directory"
publicKey=$(/nix/store/00000000000000000000000000000000-age/bin/age-keygen -y "$target")
echo "Public key: $publicKey"
