#!/bin/sh
if [ "${NIXOS_ACTION-}" = dry-activate ]; then
echo "what would change in the secrets is not told: sops.preInstall does not run in a dry activation"; exit
fi
finish() {
  status=$?
  trap : HUP INT TERM
  /nix/store/00000000000000000000000000000000-sops-nix-post-install-for-users
  last=$?
  [ "$status" != 0 ] || status=$last
  exit "$status"
}
trap finish EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM
/nix/store/00000000000000000000000000000000-sops-nix-pre-install-for-users
/nix/store/00000000000000000000000000000000-sops-nix-for-users
