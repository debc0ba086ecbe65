#!/bin/sh
export HOME='/var/empty'
export PATH='/nix/store/00000000000000000000000000000000-age-plugin-tpm/bin:/nix/store/00000000000000000000000000000000-age-plugin-yubikey/bin'${PATH:+":$PATH"}
exec /nix/store/00000000000000000000000000000000-sops-install-secrets/bin/sops-install-secrets /nix/store/00000000000000000000000000000000-manifest.json
