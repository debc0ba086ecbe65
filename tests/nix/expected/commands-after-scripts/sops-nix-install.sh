#!/bin/sh
if [ "${NIXOS_ACTION-}" = dry-activate ]; then
exec /nix/store/00000000000000000000000000000000-sops-nix
fi
/nix/store/00000000000000000000000000000000-sops-nix
status=$?
/nix/store/00000000000000000000000000000000-sops-nix-post-install
last=$?
[ "$status" != 0 ] || status=$last
exit "$status"
