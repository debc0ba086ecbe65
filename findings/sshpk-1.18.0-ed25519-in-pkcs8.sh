#!/usr/bin/env bash
# sshpk 1.18.0 (npm) writes ed25519 keys in PKCS#8 as a OneAsymmetricKey of version 2, with the public key after the seed, as RFC 5958
# allows. Python's cryptography 50.0.2 refuses such a key. asyncssh 2.24.1, which has its own reader, and Go's crypto/x509 accept it.
#
#     cryptography: ValueError: Could not deserialize key data. …
#     asyncssh: ssh-ed25519
#     go: ed25519.PrivateKey
#
# Needs Node with npm, Python and Go. Exits with 1 if the behaviour changes.
set -euo pipefail
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"
npm init -y > /dev/null
npm install --silent --ignore-scripts sshpk@1.18.0
python3 -m venv python
python/bin/pip install -q cryptography==50.0.2 asyncssh==2.24.1

node -e "
const sshpk = require('sshpk');
require('fs').writeFileSync('key', sshpk.generatePrivateKey('ed25519').toString('pkcs8') + '\n');
"
cat > read.py <<'P'
import asyncssh
from cryptography.hazmat.primitives.serialization import load_pem_private_key

text = open("key", "rb").read()
try:
    print("cryptography:", type(load_pem_private_key(text, None)).__name__)
except ValueError as error:
    print("cryptography: ValueError:", str(error)[:34])
print("asyncssh:", asyncssh.import_private_key(text).get_algorithm())
P
cat > read.go <<'G'
package main

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
)

func main() {
	text, _ := os.ReadFile("key")
	block, _ := pem.Decode(text)
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		panic(err)
	}
	fmt.Printf("go: %T\n", key)
}
G
{ python/bin/python read.py; go run read.go; } | tee outcome
diff outcome - <<'O'
cryptography: ValueError: Could not deserialize key data. Th
asyncssh: ssh-ed25519
go: ed25519.PrivateKey
O
