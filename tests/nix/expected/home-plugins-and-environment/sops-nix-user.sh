#!/bin/sh
export FOO='bar'
export PATH='/nix/store/00000000000000000000000000000000-age-plugin-yubikey/bin'${PATH:+":$PATH"}
exec /nix/store/00000000000000000000000000000000-hello/bin/sops-install-secrets -ignore-passwd /nix/store/00000000000000000000000000000000-manifest.json
