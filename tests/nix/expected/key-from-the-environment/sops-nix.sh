#!/bin/sh
export HOME='/var/empty'
export SOPS_AGE_KEY_FILE='/run/keys/age'
exec /nix/store/00000000000000000000000000000000-sops-install-secrets/bin/sops-install-secrets /nix/store/00000000000000000000000000000000-manifest.json
