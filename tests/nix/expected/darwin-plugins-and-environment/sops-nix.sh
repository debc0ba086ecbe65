#!/bin/sh
export HOME='/var/empty'
export LANG='C'
export PATH='/nix/store/00000000000000000000000000000000-age-plugin-yubikey/bin'${PATH:+":$PATH"}
export PATH="${PATH:+$PATH:}/usr/bin:/bin:/usr/sbin:/sbin"
exec /nix/store/00000000000000000000000000000000-sops-install-secrets/bin/sops-install-secrets /nix/store/00000000000000000000000000000000-manifest.json
