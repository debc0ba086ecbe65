# Runs the helpers for OpenPGP keys as Nix would build them. run.sh sources this file.

# Runs the shell hook in a shell. Prints which keys the hook imported, and its output.
hook_imports() {
  local hook=$1 fingerprints=$2 home=$work/$1
  rm -rf "$home" && mkdir -p "$home/keys"
  cp tests/fixtures/keys/pgp.asc "$home/keys/"
  sed "s#@gpg@#gpg#g; s#@name@#$hook#; s#@fingerprints@#$fingerprints#" nix/keys-hook.bash > "$home/hook"
  (
    export sopsCreateGPGHome=1 sopsGPGHome=$home/gnupg sopsPGPKeys="$PWD/tests/fixtures/keys/pgp_curve25519.asc missing.asc" sopsPGPKeyDirs=$home/keys
    unset SOPS_PGP_FP
    bash -eu -c 'shellHook="true"; . "$0"; eval "$shellHook"; gpg --batch --with-colons --list-keys 2> /dev/null | grep -c ^pub; echo "${SOPS_PGP_FP-}"' "$home/hook" 2>&1
    GNUPGHOME=$sopsGPGHome gpgconf --kill all
  )
}
own_fingerprint() { gpg --batch --with-colons --show-keys "$1" 2> /dev/null | awk -F: '$1 == "fpr" { print $10; exit }'; }
check_hooks() {
  local fingerprints
  fingerprints=$(own_fingerprint tests/fixtures/keys/pgp_curve25519.asc),$(own_fingerprint tests/fixtures/keys/pgp.asc)
  check "sops-import-keys-hook imports files and directories" diff \
    <(printf '%s\n' 'sops-import-keys-hook: there is no key file missing.asc' 2 '') <(hook_imports sops-import-keys-hook '')
  check "sops-pgp-hook names their fingerprints too" diff \
    <(printf '%s\n' 'sops-pgp-hook: there is no key file missing.asc' 2 "$fingerprints") <(hook_imports sops-pgp-hook yes)
}

init_gpg_key() { bash -euo pipefail nix/init-gpg-key.sh --hostname host "$@"; }
# Whether the key that was made is the key that was printed, and decrypts without asking for a passphrase.
makes_key() {
  local home=$work/gpg-$1
  init_gpg_key --keytype "$1" --gpghome "$home" > "$work/public.asc" 2> "$work/said" || return
  [ "$(cat "$work/said")" = "fingerprint: $(own_fingerprint "$work/public.asc")" ] || { cat "$work/said"; return 1; }
  export GNUPGHOME=$home
  [ "$(echo text | gpg --batch --quiet --trust-model always -r host --encrypt | gpg --batch --quiet --decrypt)" = text ]
  local code=$?
  gpgconf --kill all
  return $code
}
refuses_key() {
  ! init_gpg_key "$@" > /dev/null 2> "$work/said" && [ -s "$work/said" ]
}
check_init_gpg_key() {
  local type
  for type in RSA Curve25519; do check "sops-init-gpg-key makes a key of type $type" makes_key "$type"; done
  check "sops-init-gpg-key leaves a home that is there" refuses_key --gpghome "$work/gpg-RSA"
  check "sops-init-gpg-key refuses an unknown option" refuses_key --gpghom "$work/other"
  check "sops-init-gpg-key refuses an option without a value" refuses_key --gpghome
}

if has gpg; then
  check_hooks
  check_init_gpg_key
else
  skip "helpers for OpenPGP keys: gpg is missing"
fi
