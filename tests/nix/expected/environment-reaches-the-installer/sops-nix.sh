#!/bin/sh
export AWS_REGION='eu-central-1'
export HOME='/root'
export PATH='/opt/bin'
export VAULT_TOKEN=''"$(cat /run/keys/vault-token)"''
export PATH='/nix/store/00000000000000000000000000000000-age-plugin-tpm/bin'${PATH:+":$PATH"}
exec /nix/store/00000000000000000000000000000000-sops-install-secrets/bin/sops-install-secrets -key-services=defer /nix/store/00000000000000000000000000000000-manifest.json
