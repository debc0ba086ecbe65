#!/bin/sh
if [ "${NIXOS_ACTION-}" = dry-activate ]; then
echo "what would change in the secrets is not told: sops.preInstall does not run in a dry activation"; exit
fi
/nix/store/00000000000000000000000000000000-sops-nix-pre-install
/nix/store/00000000000000000000000000000000-sops-nix
status=$?
/nix/store/00000000000000000000000000000000-sops-nix-post-install
last=$?
[ "$status" != 0 ] || status=$last
exit "$status"
