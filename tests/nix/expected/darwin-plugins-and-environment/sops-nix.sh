#!/bin/sh
export HOME='/var/empty'
export LANG='C'
export SOPS_NIX_HISTORY='/nix/var/sops-nix'
export SOPS_NIX_MAY_LACK_KEY='1'
export PATH='/nix/store/00000000000000000000000000000000-age-plugin-yubikey/bin'${PATH:+":$PATH"}
export PATH="${PATH:+$PATH:}/usr/bin:/bin:/usr/sbin:/sbin"
exec /nix/store/00000000000000000000000000000000-sops-install-secrets/bin/sops-install-secrets /nix/store/00000000000000000000000000000000-manifest.json
