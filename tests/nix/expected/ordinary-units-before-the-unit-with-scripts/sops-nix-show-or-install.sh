#!/bin/sh
status=
for phase in -for-users ""; do
  [ -e "/run/sops-nix/status$phase" ] || continue
  cat "/run/sops-nix/log$phase"
  read -r code < "/run/sops-nix/status$phase"
  [ "${status:-0}" != 0 ] || status=$code
  # It tells of the boot. Whoever starts the unit again wants the secrets installed.
  rm -f "/run/sops-nix/status$phase" "/run/sops-nix/log$phase"
done
[ "$status" != 0 ] || exit 0
[ -z "$status" ] || echo "trying again, with what has started since"
exec /nix/store/00000000000000000000000000000000-sops-nix
