#!/bin/sh
[ "${1-}" != failure ] || [ "${EXIT_STATUS-}" != 0 ] || exit 0
export PATH='/nix/store/00000000000000000000000000000000-coreutils/bin:/nix/store/00000000000000000000000000000000-findutils/bin:/nix/store/00000000000000000000000000000000-gnugrep/bin:/nix/store/00000000000000000000000000000000-gnused/bin:/nix/store/00000000000000000000000000000000-systemd/bin:/nix/store/00000000000000000000000000000000-util-linux/bin'"${PATH:+:$PATH}"
export SOPS_NIX_PHASE=regular
enter='nsenter --target 1 --mount --net --wd=/'
if [ "${1-inside}" != inside ] && $enter true 2> /dev/null; then exec $enter "$0" inside; fi
umask 077
# What is waited for is the status of the unit, and is said if it takes some time. A script has no arguments, and is in a unit of somebody else.
arguments=$#
tell() { [ "$arguments" = 0 ] || systemd-notify --no-block --status="$1" 2> /dev/null; }
tell "waiting for sops.postInstall"
# This lives as long as the commands may, so its number is no other process's when it is ended.
( trap 'kill $! 2> /dev/null; exit' TERM; sleep 2 & wait; echo "waiting for sops.postInstall" >&2; sleep 85 & wait ) &
watcher=$!
# Not before: what is begun with a trap forgets a signal that comes before it has a trap of its own, and would then be waited for.
trap : HUP INT TERM
timeout --kill-after=5 80 /bin/sh -ec 'umount /var/lib/sops-nix
echo "after $SOPS_NIX_PHASE" >> /hooks
' < /dev/null
status=$?
kill "$watcher" 2> /dev/null
wait
tell ""
case $status in
  0) ;;
  124 | 137) echo "sops.postInstall took longer than 80 seconds, and was ended" >&2 ;;
  *) echo "sops.postInstall ended with exit code $status" >&2 ;;
esac
exit "$status"
