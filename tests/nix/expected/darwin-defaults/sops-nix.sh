#!/bin/sh
export HOME='/var/empty'
export PATH="${PATH:+$PATH:}/usr/bin:/bin:/usr/sbin:/sbin"
exec /nix/store/00000000000000000000000000000000-sops-install-secrets/bin/sops-install-secrets /nix/store/00000000000000000000000000000000-manifest.json
