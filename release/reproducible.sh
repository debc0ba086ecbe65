#!/usr/bin/env bash
# Builds the static programs again, from a copy of the sources in another directory and with another cargo home, and compares: both builds
# have to be the same bytes. `make reproducible` runs this after `make static`.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

built=x86_64-unknown-linux-musl/release
first=$(realpath "${CARGO_TARGET_DIR:-target}/$built")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# The crates that are fetched already, at other paths.
mkdir -p "$work/cargo" "$work/other/place"
ln -s "${CARGO_HOME:-$HOME/.cargo}"/* "$work/cargo"
cp -r --parents Makefile Cargo.toml Cargo.lock build.rs docs/messages.md src "$work/other/place"
cd "$work/other/place"
env -u CARGO_TARGET_DIR CARGO_HOME="$work/cargo" make static

for program in sops-install-secrets sops-nix; do
    cmp "$first/$program" "target/$built/$program" || { echo "two builds of one source differ: $(rustc --version)" >&2; exit 1; }
    echo "two builds of $program in two places are equal: $(sha256sum < "$first/$program" | cut -d' ' -f1)"
done
