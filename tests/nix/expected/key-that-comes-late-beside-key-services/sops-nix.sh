#!/bin/sh
export HOME='/var/empty'
exec /nix/store/00000000000000000000000000000000-sops-install-secrets/bin/sops-install-secrets -key-services=defer /nix/store/00000000000000000000000000000000-manifest.json
