#!/bin/sh
export SOPS_NIX_SYSTEMCTL='/nix/store/00000000000000000000000000000000-systemd/bin/systemctl'
exec /nix/store/00000000000000000000000000000000-sops-install-secrets/bin/sops-install-secrets -ignore-passwd /nix/store/00000000000000000000000000000000-manifest.json
