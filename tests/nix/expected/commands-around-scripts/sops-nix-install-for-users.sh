#!/bin/sh
if [ "${NIXOS_ACTION-}" = dry-activate ]; then
echo "what would change in the secrets is not told: sops.preInstall does not run in a dry activation"; exit
fi
/nix/store/00000000000000000000000000000000-sops-nix-pre-install-for-users
/nix/store/00000000000000000000000000000000-sops-nix-for-users
status=$?
/nix/store/00000000000000000000000000000000-sops-nix-post-install-for-users
last=$?
[ "$status" != 0 ] || status=$last
exit "$status"
