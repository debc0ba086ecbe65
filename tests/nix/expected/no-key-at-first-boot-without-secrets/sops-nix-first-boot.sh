#!/bin/sh
# Looks whether this is the first boot of a host that has no key yet. Only then it makes the mark, which keeps sops-nix.service from being started.
#
# A key that is only out of sight must not be taken for one that was never made: then secrets would be missing on a host that had them, and nothing would
# have failed. So this looks once in the life of a Nix store, and whatever is not certain is no answer: sops-nix.service is started, and fails without a key.
# If this script fails, systemd removes the mark with its directory.
#
# first-boot-script.nix replaces the words between at signs.
set -eu
export PATH='/nix/store/00000000000000000000000000000000-coreutils/bin:/nix/store/00000000000000000000000000000000-gnugrep/bin:/nix/store/00000000000000000000000000000000-systemd/bin:/nix/store/00000000000000000000000000000000-util-linux/bin'
mark=/run/sops-nix-first-boot/no-key-yet
note=/nix/var/sops-nix-first-boot
profiles=/nix/var/nix/profiles
first=$profiles/system-1-link

rm -f "$mark"
[ ! -e "$note" ] && [ ! -L "$note" ] || exit 0
doubt() { echo "a missing key is a failure, although sops.noKeyAtFirstBoot is on: $1"; exit 0; }

# What follows may be cut short at any moment, so the note comes first.
(set -C; echo "The first boot of the system in this Nix store has begun. No other is the first (sops.noKeyAtFirstBoot)." > "$note") 2> /dev/null ||
  doubt "the first boot cannot be noted in $note"
sync "$note" "${note%/*}"

for key in ; do
  # What is there, even if it is a symlink that leads nowhere, is for the installer to use or to complain about.
  ! said=$(LC_ALL=C stat -- "$key" 2>&1) || exit 0
  case $said in *": No such file or directory") ;; *) doubt "$said" ;; esac
  [ "$(realpath -m -- "$key")" = "$key" ] || doubt "$key is behind a symlink, which may lead to a disk that is not there"
done
for mount in ; do
  mountpoint -q "$mount" || doubt "$mount is not mounted"
done
for link in /run/secrets-for-users /run/secrets-for-file-systems /run/secrets /var/lib/sops-nix/ledger.json; do
  [ ! -e "$link" ] && [ ! -L "$link" ] || doubt "$link is there, so secrets were installed"
done

# Each later system has a higher number, and system-profiles has those with names.
[ "$(printf '%s\n' "$profiles"/system-*)" = "$first" ] || doubt "$first is not the only system that Nix knows"
[ "$first" -ef /run/current-system ] || doubt "$first is not the system that runs"

case $(stat -f -c %T "$note") in
  ext2/ext3 | xfs | btrfs | zfs | f2fs) ;;
  *) doubt "$note is on a file system that may not last" ;;
esac
[ "$(stat -c %d "$note")" = "$(stat -c %d /nix/store)" ] || doubt "$note is on another file system than the Nix store"

# What the configuration does not show: variables of systemd, a drop-in, and an order that other unit files have. They may bring a key to sops-nix.service.
! env | grep -E '^(SOPS_|GNUPGHOME=)' > /dev/null || doubt "systemd sets a variable that may name a key"
show() { systemctl show --property "$1" --value -- "$2"; }
files=$(show DropInPaths sops-nix.service)
for file in $files; do
  case $file in */service.d/* | */sops-.service.d/*) ;; *) doubt "sops-nix.service has the drop-in $file" ;; esac
done
ahead=$(show After sops-nix-first-boot.service)
others=$(show After sops-nix.service)
[ -n "$others" ] || doubt "systemd does not say what comes before sops-nix.service"
for other in $others; do
  [ "$other" != sops-nix-first-boot.service ] || continue
  case " $ahead " in *" $other "*) ;; *) doubt "$other comes before sops-nix.service, and may bring the key" ;; esac
  loaded=$(show LoadState "$other")
  state=$(show ActiveState "$other")
  result=$(show Result "$other")
  started=$(show InactiveExitTimestampMonotonic "$other")
  case "$other $loaded $state $result $started" in
    # Our own phases fail for want of the same key.
    sops-nix-for-users.service\ * | sops-nix-for-file-systems.service\ *) ;;
    *" not-found "* | *" masked "*) ;;
    *" failed "*) doubt "$other has failed, and may have to bring the key" ;;
    systemd-* | userborn.*) ;;
    *".service loaded active success "*) ;;
    *".service loaded inactive "*" 0") doubt "$other was not started, and may have to bring the key" ;;
    *".service loaded inactive success "*) ;;
    *".service "*) doubt "$other has not done its work, and may have to bring the key" ;;
  esac
done

cause='no secret was installed in the first boot of this host, because it had no key:  was not there'
remedy='make a key, add the recipient that sops-nix keys then prints to .sops.yaml, run sops updatekeys for its files, and switch; to make the key, run: mkdir -p . && age-keygen -o '\'''\'''
printf '%s\n' "$cause" "$remedy" > "$mark"
echo "warning: $cause; $remedy"
