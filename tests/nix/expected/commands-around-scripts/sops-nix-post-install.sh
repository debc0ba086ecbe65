#!/bin/sh
[ "${1-}" != failure ] || [ "${EXIT_STATUS-}" != 0 ] || exit 0
export PATH='/nix/store/00000000000000000000000000000000-coreutils/bin:/nix/store/00000000000000000000000000000000-util-linux/bin'"${PATH:+:$PATH}"
export SOPS_NIX_PHASE=regular
enter='nsenter --target 1 --mount --net --wd=/'
if [ $# != 0 ] && $enter true 2> /dev/null; then exec $enter "$0"; fi
(
set -e
umount /var/lib/sops-nix
echo "after $SOPS_NIX_PHASE" >> /hooks

)
status=$?
[ "$status" = 0 ] || echo "sops.postInstall ended with exit code $status" >&2
exit "$status"
