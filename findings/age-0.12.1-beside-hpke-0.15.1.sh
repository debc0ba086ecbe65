#!/usr/bin/env bash
# The Rust crates age 0.12.1 and hpke 0.15.1 (with its feature `mlkem`) cannot be dependencies of one program. age needs ml-kem 0.2, whose
# newest version, 0.2.3, needs exactly kem 0.3.0-pre.0. hpke needs ml-kem 0.3, which needs kem 0.3.0. Cargo takes a single kem 0.3, so it
# goes back to ml-kem 0.2.1, which accepts kem 0.3.0 and does not compile with it. What age asks for of ml-kem is enough to show it:
#
#     ml-kem 0.3.4 ml-kem 0.2.1 kem 0.3.0
#     error: could not compile `ml-kem` (lib) due to 18 previous errors
#
# Needs cargo. Exits with 1 if the behaviour changes.
set -euo pipefail
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"

cat > Cargo.toml <<'R'
[package]
name = "both"
version = "0.0.0"
edition = "2021"
[dependencies]
of-age = { package = "ml-kem", version = "0.2", features = ["deterministic"] }
hpke = { version = "=0.15.1", default-features = false, features = ["mlkem"] }
R
mkdir src
touch src/lib.rs
cargo generate-lockfile -q
versions=$(sed -n '/^name = "\(ml-kem\|kem\)"$/{N;s/name = "\(.*\)"\nversion = "\(.*\)"/\1 \2/p}' Cargo.lock | sort -r | tr '\n' ' ')
said=$(CARGO_TARGET_DIR=$scratch/target cargo check 2>&1 | grep '^error: could not compile `ml-kem`' || true)
echo "$versions"
echo "$said"
[[ $versions == *"ml-kem 0.2.1 "* && $versions == *"kem 0.3.0 "* && -n $said ]]
