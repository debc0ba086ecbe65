#!/bin/sh
export QUBES_GPG_DOMAIN='vault-gpg'
export SOPS_GPG_EXEC='qubes-gpg-client-wrapper'
exec /nix/store/00000000000000000000000000000000-sops-install-secrets/bin/sops-install-secrets -ignore-passwd /nix/store/00000000000000000000000000000000-manifest.json
