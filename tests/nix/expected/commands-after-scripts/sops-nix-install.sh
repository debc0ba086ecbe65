#!/bin/sh
if [ "${NIXOS_ACTION-}" = dry-activate ]; then
exec /nix/store/00000000000000000000000000000000-sops-nix
fi
finish() {
  status=$?
  trap : HUP INT TERM
  /nix/store/00000000000000000000000000000000-sops-nix-post-install
  last=$?
  [ "$status" != 0 ] || status=$last
  exit "$status"
}
trap finish EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM
/nix/store/00000000000000000000000000000000-sops-nix
