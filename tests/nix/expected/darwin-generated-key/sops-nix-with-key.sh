#!/bin/sh
set -e
/nix/store/00000000000000000000000000000000-sops-nix-generate-age-key
exec /nix/store/00000000000000000000000000000000-sops-nix
