#!/usr/bin/env bash
# Takes the files that the modules made for a case, from expected/, and puts them where a system can boot with them: scripts,
# manifests and sops files in /test, and enabled units.
#
#   tests/nix/lay-out.sh CASE TEST UNITS    TEST: the directory that becomes /test there
#                                           UNITS: the directory that becomes /etc/systemd/system there
#
# Other scripts also source this file for its functions, which they run from the root of the project.

systemd_is_before() { [ "$(systemd-analyze --version | awk 'NR == 1 { print $2 }')" -lt "$1" ]; }

# Before version 254, systemd knows only LoadCredential. With a plain name, LoadCredential looks among the credentials of the
# machine and in the plain stores.
for_this_systemd() {
  if systemd_is_before 254; then sed 's/^ImportCredential=/LoadCredential=/; /^Restart\(Steps\|MaxDelaySec\)=/d' "$@"; else cat "$@"; fi
}

# The files of a case. The programs that they call get paths that exist on that system.
translate_case() {
  local case=$1 directory=$2 file
  mkdir -p "$directory/files"
  cp tests/nix/files/* "$directory/files/"
  for file in "tests/nix/expected/$case"/*; do
    sed -E "s#/nix/store/0{32}-(age|coreutils|findutils|gnugrep|gnused|jq|systemd|util-linux)/bin#/usr/bin#g
            s#/nix/store/0{32}-sops-install-secrets/bin/sops-install-secrets#/test/program#g
            s#/nix/store/0{32}-sops-key-services/bin/sops-key-services#/test/sops-key-services#g
            s#/nix/store/0{32}-(manifest[a-z-]*[.]json)#/test/\1#g
            s#/nix/store/0{32}-((sops-nix|unit-script|check-template)[a-z-]*)#/test/\1.sh#g
            s#/nix/store/[0-9a-z]{32}-#/test/files/#g" "$file" | for_this_systemd > "$directory/${file##*/}"
  done
  chmod +x "$directory"/*.sh
}

# Makes the links that NixOS makes from the section [Install] of the units in a directory.
link_units() {
  local directory=$1 unit field target
  for unit in "$directory"/*.service "$directory"/*.target "$directory"/*.mount "$directory"/*.path; do
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
  # userborn replaces the program that makes the users on that system.
  find "$2" \( -name '*.service' ! -name userborn.service -o -name 'sops-*.target' -o -name '*.path' \) -exec cp -t "$3" {} +
  link_units "$3"
fi
