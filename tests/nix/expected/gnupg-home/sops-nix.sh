#!/bin/sh
export HOME='/var/empty'
export SOPS_GPG_EXEC='/nix/store/00000000000000000000000000000000-gnupg/bin/gpg'
exec /nix/store/00000000000000000000000000000000-sops-install-secrets/bin/sops-install-secrets /nix/store/00000000000000000000000000000000-manifest.json
