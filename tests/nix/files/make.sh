#!/bin/sh
# Makes the sops files of the evaluation tests again, with the sops on PATH, for the test keys of tests/fixtures/keys.
set -eu
cd "$(dirname "$0")"
keys=../../fixtures/keys
recipient=$(sed -n 's/^# public key: //p' "$keys/age.txt")
encrypt() { sops --config /dev/null encrypt --age "$recipient" --input-type "$2" --output-type "$3" --filename-override "$1" /dev/stdin > "$1"; }

encrypt secrets.yaml yaml yaml <<'TEXT'
nginx:
    htpasswd: alice:$apr1$hash
db:
    user: app
    password: correct horse
my-password: $y$j9T$salt$hash
deepseek_api_key: sk-deepseek
context7_api_key: sk-context7
ssh_key: |
    -----BEGIN OPENSSH PRIVATE KEY-----
    not a key
    -----END OPENSSH PRIVATE KEY-----
shared: one value for many
wifi: secret network
port: 8080
TEXT
encrypt production.yaml yaml yaml <<'TEXT'
db:
    password: of production
TEXT
encrypt staging.yaml yaml yaml <<'TEXT'
db:
    password: of staging
TEXT
encrypt config.json json json <<'TEXT'
{"db": {"password": "from JSON"}, "token": "t"}
TEXT
encrypt app.env dotenv dotenv <<'TEXT'
API_TOKEN=from dotenv
TEXT
encrypt settings.ini ini ini <<'TEXT'
[mail]
password = from INI
TEXT
printf 'not\0text' | encrypt keytab.bin binary binary

# By the engine that vault.py plays, in a network of its own.
unshare --net --map-root-user sh -eu <<'SHELL'
ip link set lo up
python3 vault.py & engine=$!
trap 'kill $engine' EXIT
sleep 1
echo 'token: from the engine' | VAULT_TOKEN=hvs.good sops --config /dev/null encrypt --hc-vault-transit http://127.0.0.1:8200/v1/a/b/keys/sops \
    --input-type yaml --output-type yaml --filename-override vault.yaml /dev/stdin > vault.yaml
SHELL
