#!/usr/bin/env bash
# The Rust crate ssh-key 0.6.7 refuses unencrypted OpenSSH private keys with a padding of 8 bytes or more, which OpenSSH and Go's x/crypto
# read. PuTTY 0.78 writes such keys: it pads to 16 bytes, so about half of all comment lengths give one. For ed25519:
#
#     comments that ssh-keygen reads and ssh-key 0.6.7 does not, Encoding(Length): 0 1 2 3 4 5 13 14 15 16 17 18 19 20
#     ssh-key 0.7.0-rc.12 reads all
#
# Needs cargo, ssh-keygen and puttygen. Exits with 1 if the behaviour changes.
set -euo pipefail
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"

cat > Cargo.toml <<'R'
[package]
name = "reader"
version = "0.0.0"
edition = "2021"
[dependencies]
base64ct = { version = "=1.8.3", features = ["alloc"] }
old = { package = "ssh-key", version = "=0.6.7", default-features = false, features = ["alloc"] }
new = { package = "ssh-key", version = "=0.7.0-rc.12", default-features = false, features = ["alloc"] }
R
mkdir src
cat > src/main.rs <<'R'
use base64ct::{Base64, Encoding};

fn main() {
    let text = std::fs::read_to_string(std::env::args().nth(1).unwrap()).unwrap();
    let body: String = text.lines().filter(|line| !line.starts_with('-')).collect();
    let bytes = Base64::decode_vec(&body).unwrap();
    let (old, new) = (old::PrivateKey::from_bytes(&bytes).err(), new::PrivateKey::from_bytes(&bytes).err());
    println!("0.6.7 {old:?}, 0.7.0-rc.12 {new:?}");
}
R
CARGO_TARGET_DIR=$scratch/target cargo build -q
read_it() { ssh-keygen -y -P '' -f "$1" > /dev/null && target/debug/reader "$1"; }
refused='0.6.7 Some(Encoding(Length)), 0.7.0-rc.12 None'

ssh-keygen -q -t ed25519 -N '' -f key
text="comment of twenty ch"
lengths=
for length in $(seq 0 20); do
    puttygen key -C "${text:0:length}" -O private-openssh-new -o putty
    [ "$(read_it putty)" != "$refused" ] || lengths+=" $length"
done
echo "comments that ssh-key 0.6.7 refuses:$lengths"
[ "$lengths" = " 0 1 2 3 4 5 13 14 15 16 17 18 19 20" ]
