#!/bin/sh
[ "${1-}" != failure ] || [ "${EXIT_STATUS-}" != 0 ] || exit 0
export PATH='/nix/store/00000000000000000000000000000000-coreutils/bin:/nix/store/00000000000000000000000000000000-findutils/bin:/nix/store/00000000000000000000000000000000-gnugrep/bin:/nix/store/00000000000000000000000000000000-gnused/bin:/nix/store/00000000000000000000000000000000-systemd/bin:/nix/store/00000000000000000000000000000000-util-linux/bin'"${PATH:+:$PATH}"
export SOPS_NIX_PHASE=regular
enter='nsenter --target 1 --mount --net --wd=/'
if [ $# != 0 ] && $enter true 2> /dev/null; then exec $enter "$0"; fi
umask 077
trap : HUP INT TERM
timeout --kill-after=5 80 /bin/sh -ec 'umount /var/lib/sops-nix
echo "after $SOPS_NIX_PHASE" >> /hooks
' < /dev/null
status=$?
case $status in
  0) ;;
  124 | 137) echo "sops.postInstall took longer than 80 seconds, and was ended" >&2 ;;
  *) echo "sops.postInstall ended with exit code $status" >&2 ;;
esac
exit "$status"
