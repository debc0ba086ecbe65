#!/bin/sh
set -e
/nix/store/00000000000000000000000000000000-jq/bin/jq -e '.password | length > 5' "$1"
/nix/store/00000000000000000000000000000000-jq/bin/jq . "$1"