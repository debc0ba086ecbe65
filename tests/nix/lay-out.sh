#!/usr/bin/env bash
# Puts what the modules made of a case, as it stands in expected/, where a system can boot with it: scripts, manifests and sops files in /test, its units enabled.
#
#   tests/nix/lay-out.sh CASE TEST UNITS    TEST: what becomes /test there; UNITS: what becomes /etc/systemd/system
#
# Also sourced for its functions. They are run from the project's root.

systemd_is_before() { [ "$(systemd-analyze --version | awk 'NR == 1 { print $2 }')" -lt "$1" ]; }

# Before 254 systemd knows LoadCredential alone, which with a mere name looks among the credentials of the machine and in the plain stores.
for_this_systemd() {
  if systemd_is_before 254; then sed 's/^ImportCredential=/LoadCredential=/' "$@"; else cat "$@"; fi
}

# The files of a case, with what they call at places that exist there.
translate_case() {
  local case=$1 directory=$2 file
  mkdir -p "$directory/files"
  cp tests/nix/files/* "$directory/files/"
  for file in "tests/nix/expected/$case"/*; do
    sed -E "s#/nix/store/0{32}-(age|coreutils|systemd|util-linux)/bin#/usr/bin#g
            s#/nix/store/0{32}-sops-install-secrets/bin/sops-install-secrets#/test/program#g
            s#/nix/store/0{32}-(manifest[a-z-]*[.]json)#/test/\1#g
            s#/nix/store/0{32}-(sops-nix[a-z-]*)#/test/\1.sh#g
            s#/nix/store/[0-9a-z]{32}-#/test/files/#g" "$file" | for_this_systemd > "$directory/${file##*/}"
  done
  chmod +x "$directory"/*.sh
}

# The links that NixOS makes of what stands in [Install] of the units in a directory.
link_units() {
  local directory=$1 unit field target
  for unit in "$directory"/*.service "$directory"/*.target "$directory"/*.mount; do
    [ -f "$unit" ] && [ ! -L "$unit" ] || continue
    for target in $(sed -n 's/^Alias=//p' "$unit"); do ln -sf "${unit##*/}" "$directory/$target"; done
    for field in "WantedBy wants" "RequiredBy requires"; do
      for target in $(sed -n "s/^${field% *}=//p" "$unit"); do
        mkdir -p "$directory/$target.${field#* }"
        ln -sf "../${unit##*/}" "$directory/$target.${field#* }/"
      done
    done
  done
}

if [ "${BASH_SOURCE[0]}" = "$0" ]; then
  set -eu
  cd "$(dirname "$0")/../.."
  translate_case "$1" "$2"
  mkdir -p "$3"
  # userborn stands for what that system has in its place.
  find "$2" \( -name '*.service' ! -name userborn.service -o -name 'sops-*.target' \) -exec cp -t "$3" {} +
  link_units "$3"
fi
