# For a development shell: imports the OpenPGP keys that the shell names.
#
#   sopsPGPKeys, sopsPGPKeyDirs       files, and directories with files *.asc and *.gpg
#   sopsCreateGPGHome, sopsGPGHome    whether into a home of their own, and where (.git/gnupg)

sopsKeyFiles() {
  local key directory
  for key in ${sopsPGPKeys-}; do
    if [ -f "$key" ]; then printf '%s\0' "$key"; else echo "@name@: there is no key file $key" >&2; fi
  done
  for directory in ${sopsPGPKeyDirs-}; do
    find -L "$directory" -type f \( -name '*.asc' -o -name '*.gpg' \) -print0
  done
}

sopsImportKeys() {
  local key fingerprint
  if [ -n "${sopsCreateGPGHome-}" ]; then
    export GNUPGHOME=${sopsGPGHome:-$PWD/.git/gnupg}
    mkdir -p -m 700 -- "$GNUPGHOME"
  fi
  while IFS= read -r -d '' key; do
    @gpg@ --quiet --import -- "$key"
    [ -n "@fingerprints@" ] || continue
    # The key's own, which comes first, and none of its subkeys'.
    fingerprint=$(@gpg@ --quiet --with-colons --show-keys -- "$key" | sed -n '/^fpr/{s/^fpr:*\([^:]*\):$/\1/p;q}')
    export SOPS_PGP_FP=${SOPS_PGP_FP:+$SOPS_PGP_FP,}$fingerprint
  done < <(sopsKeyFiles)
}

shellHook="sopsImportKeys${shellHook:+;$shellHook}"
