#!/usr/bin/env bash
# Builds the static program again, from a copy of the sources in another directory and with another cargo home, and compares: both have to
# be the same bytes. `make reproducible` runs this after `make static`.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

program=x86_64-unknown-linux-musl/release/sops-install-secrets
first=$(realpath "${CARGO_TARGET_DIR:-target}/$program")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# The crates that are fetched already, at other paths.
mkdir -p "$work/cargo" "$work/other/place"
ln -s "${CARGO_HOME:-$HOME/.cargo}"/* "$work/cargo"
cp -r Makefile Cargo.toml Cargo.lock build.rs src "$work/other/place"
cd "$work/other/place"
env -u CARGO_TARGET_DIR CARGO_HOME="$work/cargo" make static

cmp "$first" "target/$program" || { echo "two builds of one source differ: $(rustc --version)" >&2; exit 1; }
echo "two builds in two places are equal: $(sha256sum < "$first" | cut -d' ' -f1)"
