#!/bin/sh
export PATH='/nix/store/00000000000000000000000000000000-coreutils/bin:/nix/store/00000000000000000000000000000000-util-linux/bin'
enter='nsenter --target 1 --mount --wd=/'
if [ "$1" != inside ] && $enter true 2> /dev/null; then exec $enter "$0" inside; fi
umask 022
mountPoint=/run/secrets.d
if mountpoint -q "$mountPoint"; then
  mount -o remount,bind,nodev,nosuid,noexec "$mountPoint"
else
  mkdir -p -m 0751 "$mountPoint"
  mount -t ramfs -o nodev,nosuid,noexec,mode=0751 ramfs "$mountPoint"
fi
exit 0
