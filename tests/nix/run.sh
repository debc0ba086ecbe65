#!/usr/bin/env bash
# Checks the Nix side of the project. Nothing is built and nothing is fetched. What is missing on this machine is skipped, visibly.
#
#   tests/nix/run.sh            check
#   tests/nix/run.sh --update   write what the evaluation gives to expected/ and docs/options.md instead; look at the difference before you commit it
#
#   NIX_PATH               where the nixpkgs library is: nixpkgs-lib=… (a copy of nix-community/nixpkgs.lib) or nixpkgs=…
#   SOPS_INSTALL_SECRETS   the program, to give it the manifests
#   SOPS_NIX               a checkout of sops-nix, to compare its modules with ours
#   SOPS_NIX_PROGRAM       the program of sops-nix, to compare what it installs with what ours does
set -u -o pipefail
cd "$(dirname "$0")/../.." || exit 1
project=$PWD
tests=tests/nix
update=
[ "${1:-}" = --update ] && update=yes

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0
failed=0

pass() { passed=$((passed + 1)); }
fail() {
  failed=$((failed + 1))
  echo "FAILED: $1"
  if [ -n "${2:-}" ]; then sed 's/^/    /' "$2"; fi
}
# Runs a check, which has a name and a command. The command must print nothing and succeed.
check() {
  local name=$1
  shift
  if "$@" > "$work/output" 2>&1 && [ ! -s "$work/output" ]; then pass; else fail "$name" "$work/output"; fi
}
skip() { echo "skipped: $1"; }
has() { command -v "$1" > /dev/null; }

# A store in memory. So neither /nix nor a daemon nor root is needed.
evaluate() { nix-instantiate --store dummy:// --eval --strict "$@"; }
nix_files() { find . -name target -prune -o -name .git -prune -o -name '*.nix' -print | sort; }

parse_files() {
  local file
  for file in $(nix_files); do
    nix-instantiate --store dummy:// --parse "$file" 2> "$work/output" > /dev/null && pass || fail "$file is no Nix" "$work/output"
  done
}

# Writes the Nix code of the documents to files, a directory for each page. The files that the code names lie beside it.
write_pages() {
  local page directory file
  # The options page has examples that are no configurations.
  for page in README.md $(find docs -name '*.md' ! -name options.md | sort); do
    grep -q '^```nix' "$page" || continue
    directory=$work/pages/$(basename "$page" .md)
    mkdir -p "$directory"
    awk -v directory="$directory" -f "$tests/pages.awk" "$page"
    for file in secrets.yaml $(cat "$directory"/*.nix | grep -oE '[[(= ][.]/[a-zA-Z0-9/._-]+' | cut -c 2-); do
      [ ! -e "$directory/$file" ] || continue
      mkdir -p "$(dirname "$directory/$file")"
      case $file in
        *.nix) echo '{ }' ;;
        *.pub) cat tests/fixtures/keys/ssh_ed25519.pub ;;
        *) cat "$tests/files/secrets.yaml" ;;
      esac > "$directory/$file"
    done
  done
}

# Writes one file for each result of each case, in the same layout as expected/.
write_results() {
  evaluate --json -E "import ./$tests/evaluate.nix { pages = $work/pages; }" > "$work/results.json" 2> "$work/output" || return 1
  # nixpkgs warns of functions that will be removed. Every user would see such a warning.
  ! grep -q "evaluation warning" "$work/output" || return 1
  local case file
  while IFS=$'\t' read -r case file; do
    mkdir -p "$work/results/$case"
    jq -j --arg case "$case" --arg file "$file" '.[$case][$file]' "$work/results.json" |
      if [ "${file##*.}" = json ]; then jq -S .; else sed "s#$project#<project>#g"; fi > "$work/results/$case/$file"
  done < <(jq -r 'to_entries[] | .key as $case | .value | keys[] | [$case, .] | @tsv' "$work/results.json")
}

evaluate_cases() {
  write_results || { fail "the cases evaluate" "$work/output"; return; }
  if [ -n "$update" ]; then
    rm -rf "$tests/expected"
    cp -r "$work/results" "$tests/expected"
    return
  fi
  local case
  for case in $(ls "$tests/expected" "$work/results" | grep -v : | sort -u); do
    # A case without messages and results has no directory.
    check "$case" diff -ruN "$tests/expected/$case" "$work/results/$case"
  done
}

# Cases that print nothing on purpose have no file that could show this.
evaluate_silent_cases() {
  local case
  for case in $(jq -r 'to_entries[] | select(.value == {}) | .key' "$work/results.json"); do
    case $case in
      says-nothing-* | page-*) pass ;;
      *) fail "$case has neither a message nor a file" ;;
    esac
  done
}

# Nothing in the documents is refused. Whatever is warned of is in expected/.
check_pages() {
  local case
  for case in $(jq -r 'keys[] | select(startswith("page-"))' "$work/results.json"); do
    check "nothing is refused in $case" jq -r --arg case "$case" '.[$case].messages // "" | split("\n")[] | select(startswith("assertion"))' "$work/results.json"
  done
}

evaluate_errors() {
  local name message
  while IFS=$'\t' read -r name message; do
    if evaluate -E "(import ./$tests/errors.nix { }).$name.value" > /dev/null 2> "$work/output"; then
      fail "$name evaluates, but should not"
    elif grep -qF "$message" "$work/output"; then
      pass
    else
      fail "$name is refused with another message than: $message" "$work/output"
    fi
  done < <(evaluate --json -E "builtins.mapAttrs (_: error: error.message) (import ./$tests/errors.nix { })" | jq -r 'to_entries[] | [.key, .value] | join("\t")')
}

options_page() {
  evaluate --json -E "import ./nix/options-page.nix { lib = import ./$tests/find-lib.nix; }" | jq -j .
}
check_options_page() {
  if [ -n "$update" ]; then
    options_page > docs/options.md
  else
    check "docs/options.md is current ($tests/run.sh --update)" diff -u docs/options.md <(options_page)
  fi
}

check_outputs() {
  evaluate --json -E "import ./$tests/outputs.nix { }" > "$work/outputs.json" 2> "$work/output" || { fail "the flake and the VM tests evaluate" "$work/output"; return; }
  if [ -n "$update" ]; then
    jq -S .flake "$work/outputs.json" > "$tests/outputs.json"
    return
  fi
  check "outputs of the flake" diff -u "$tests/outputs.json" <(jq -S .flake "$work/outputs.json")
  local test
  for test in $(jq -r '.machines | keys[]' "$work/outputs.json"); do
    check "nothing to object to in the machines of $test" jq -r --arg test "$test" '.machines[$test][] | .machine, .specialisations[] | .failed[], .warnings[]' "$work/outputs.json"
    if has python3; then
      check "the script of $test is Python" python3 -c 'import ast, json, sys; ast.parse(json.load(open(sys.argv[1]))["scripts"][sys.argv[2]])' "$work/outputs.json" "$test"
    fi
  done
  has python3 || skip "syntax of the VM tests' scripts: python3 is missing"
}

check_former_paths() {
  check "what is imported by paths of sops-nix" diff <(echo '{}') \
    <(evaluate --json -E "import ./$tests/former-paths.nix { }" | jq -c 'with_entries(select(.value != true))')
}

check_remedies() {
  check "what the modules tell people to do mends what it was said of" diff <(echo '{}') \
    <(evaluate --json -E "import ./$tests/remedies.nix { }" | jq -c 'with_entries(select(.value != { said: true, left: [] }))')
}

compare_with_sops_nix() {
  evaluate --json -E "import ./$tests/upstream.nix { sopsNix = $(realpath "$SOPS_NIX"); }" > "$work/upstream.json" 2> "$work/output" || { fail "the cases evaluate with sops-nix" "$work/output"; return; }
  local case
  for case in $(jq -r 'keys[]' "$work/upstream.json"); do
    check "$case: manifests of sops-nix and ours" diff -u \
      <(jq -S --arg case "$case" '.[$case].theirs' "$work/upstream.json") <(jq -S --arg case "$case" '.[$case].ours' "$work/upstream.json")
    jq -c --arg case "$case" '.[$case].manifests[] | fromjson' "$work/upstream.json" | split_lines "$work/upstream/$case"
  done
}
split_lines() {
  mkdir -p "$1"
  local line number=0
  while IFS= read -r line; do
    number=$((number + 1))
    printf '%s\n' "$line" > "$1/manifest-$number.json"
  done
}

# Files that exist, in place of the store paths of sops files and templates.
with_real_files() { sed -E "s#/nix/store/[0-9a-z]{32}-#$work/files/#g" "$1"; }
prepare_files() {
  mkdir -p "$work/files"
  cp "$tests"/files/* "$work/files/"
  echo built > "$work/files/built.conf"
  : > "$work/files/app.conf"
  sed 's#/nix/store/0*-jq/bin#/usr/bin#' "$tests/expected/writable-directories/check-template.sh" > "$work/files/check-template"
  chmod +x "$work/files/check-template"
}

accepts() {
  local manifest=$work/manifest.json mode=sopsfile
  with_real_files "$1" > "$manifest"
  # The sops files of the documents are looked at below.
  case $1 in */page-*) mode=manifest ;; esac
  # A file of the host itself does not exist here.
  jq -e --arg files "$work/files/" '[.secrets[].sopsFile | startswith($files)] | all' "$manifest" > /dev/null || mode=manifest
  "$SOPS_INSTALL_SECRETS" -check-mode=$mode "$manifest"
}
check_manifests() {
  prepare_files
  local manifest
  for manifest in "$tests"/expected/*/manifest*.json; do
    check "the program accepts $manifest" accepts "$manifest"
  done
  [ -d "$work/upstream" ] || return 0
  for manifest in "$work"/upstream/*/*.json; do
    # Fields that only sops-nix adds to a manifest must cause no error and no warning.
    check "the program accepts sops-nix's manifest of ${manifest#"$work/upstream/"}" accepts "$manifest"
  done
}

# A document that shows the plain text of its sops file has each secret of its configuration in it.
check_files_of_pages() {
  local plain page files manifest number=0 recipient
  recipient=$(sed -n 's/^# public key: //p' tests/fixtures/keys/age.txt)
  for plain in "$work"/pages/*/*.plain; do
    page=$(basename "${plain%/*}")
    files=$work/files-of-pages/$page
    mkdir -p "$files"
    check "the sops file of $page" sops --config /dev/null encrypt --age "$recipient" --input-type yaml --output "$files/$(basename "$plain" .plain)" "$plain"
  done
  for files in "$work"/files-of-pages/*; do
    page=$(basename "$files")
    for manifest in "$tests/expected/page-$page"-*/manifest*.json; do
      sed -E "s#/nix/store/[0-9a-z]{32}-([a-z]+[.]yaml)#$files/\1#g" "$manifest" > "$work/manifest.json"
      check "the sops file of $page has each secret of ${manifest#"$tests/"}" "$SOPS_INSTALL_SECRETS" -check-mode=sopsfile "$work/manifest.json"
      number=$((number + 1))
    done
  done
  [ "$number" -ge 5 ] || fail "only $number manifests of documents were compared with their sops files"
}

# Lays out units as on a host: the files, and the links that NixOS makes from their section [Install].
lay_out_units() {
  local case=$1 directory=$2 unit
  cp -r "$tests/units" "$directory"
  # units/ has the whole userborn unit, together with the part that the module adds.
  for unit in $(find "$tests/expected/$case" -name '*.service' ! -name userborn.service -o -name '*.target' -o -name '*.path'); do
    sed -E 's#(/nix/store/0{32}-[^ "]*)#/bin/true#; /^(EnvironmentFile|User)=/d' "$unit" | for_this_systemd > "$directory/${unit##*/}"
  done
  [ ! -d "$tests/mounts/$case" ] || cp "$tests/mounts/$case"/* "$directory"
  link_units "$directory"
  # This comes after the links, because a drop-in has some, too.
  for unit in $(grep -lx '# drop-in' "$directory"/*.service); do
    mkdir "$unit.d" && mv "$unit" "$unit.d/overrides.conf"
  done
}
verifies() {
  local directory=$1
  shift
  SYSTEMD_UNIT_PATH="$directory:" systemd-analyze verify --man=no "$@" 2>&1
}
check_units() {
  local case directory users services
  for case in $(cd "$tests/expected" && ls -d -- */sops-nix*.service | cut -d/ -f1 | grep -v '^home-' | sort -u); do
    # userborn takes the name of systemd-sysusers.service. Without userborn, systemd's own unit of this name is used.
    for users in userborn sysusers; do
      directory=$work/units-$case-$users
      lay_out_units "$case" "$directory"
      [ $users = userborn ] && rm -f "$directory/systemd-sysusers.service" && ln -s userborn.service "$directory/systemd-sysusers.service"
      [ $users = userborn ] || rm -f "$directory/userborn.service" "$directory/sysinit.target.wants/userborn.service"
      # The units are checked by their own names and by their aliases. Of a template, the instances are checked. A service without any command only shows
      # settings.
      services=$(cd "$directory" && ls -d -- sops-*.service; cd "$project/$tests/expected/$case" && grep -lE '^Exec|^# drop-in' -- *.service | grep -v '@[.]\|^userborn')
      if grep -q '^assertion: sops.credentials.* starts before' "$tests/expected/$case/messages" 2> /dev/null; then
        # Nothing is refused that could start.
        verifies "$directory" sysinit.target basic.target $services > "$work/output"
        if grep -q "ordering cycle" "$work/output"; then pass; else fail "there is a cycle in $case with $users" "$work/output"; fi
      else
        check "units of $case with $users" verifies "$directory" sysinit.target sysinit-reactivation.target $services
      fi
    done
  done
  # Shows that the check itself finds a cycle.
  directory=$work/units-cycle
  lay_out_units activation-with-userborn "$directory"
  sed -i 's/^\[Service\]/&\nPrivateTmp=true/' "$directory/sops-nix-for-users.service"
  verifies "$directory" sysinit.target > "$work/output"
  if grep -q "ordering cycle" "$work/output"; then pass; else fail "a cycle would be found" "$work/output"; fi
  directory=$work/units-network-cycle
  lay_out_units ordering-by-the-former-name-after-ordinary-units "$directory"
  sed -i 's/^Before=/&sysinit.target /' "$directory/sops-nix.service"
  verifies "$directory" sysinit.target > "$work/output"
  if grep -q "ordering cycle" "$work/output"; then pass; else fail "a cycle by the network would be found" "$work/output"; fi
  directory=$work/units-share-cycle
  lay_out_units says-that-a-local-file-system-is-part-of-a-remote-one "$directory"
  sed -i 's/^Before=/&remote-fs-pre.target /; s/^Description=/Wants=remote-fs-pre.target\n&/' "$directory/sops-nix.service"
  verifies "$directory" sysinit.target > "$work/output"
  if grep -q "ordering cycle" "$work/output"; then pass; else fail "a cycle by a share would be found" "$work/output"; fi
}

write_pages
if has nix-instantiate; then
  parse_files
  if ! has jq; then
    skip "evaluation: jq is missing"
  elif evaluate -E "(import ./$tests/find-lib.nix).version or true" > /dev/null 2>&1; then
    evaluate_cases
    evaluate_silent_cases
    check_pages
    evaluate_errors
    check_options_page
    check_outputs
    check_former_paths
    check_remedies
    if [ -n "${SOPS_NIX:-}" ]; then compare_with_sops_nix; else skip "comparison with the modules of sops-nix: SOPS_NIX is not set"; fi
  else
    skip "evaluation: the nixpkgs library is not in NIX_PATH"
  fi
else
  skip "parsing and evaluation: nix-instantiate is missing"
fi
if has nixfmt; then check "formatting (nixfmt)" nixfmt --check $(nix_files); else skip "formatting: nixfmt is missing"; fi
if has deadnix; then check "unused code (deadnix)" deadnix --fail --no-lambda-pattern-names $(nix_files); else skip "unused code: deadnix is missing"; fi

# The following checks need no Nix, because they only read expected/.
. "$tests/scripts.sh"
. "$tests/gpg-helpers.sh"
. "$tests/git-credential.sh"
. "$tests/lay-out.sh"
if [ -n "${SOPS_INSTALL_SECRETS:-}" ]; then
  check_manifests
  if has sops; then check_files_of_pages; else skip "sops files in the documents: sops is missing"; fi
  . "$tests/install.sh"
  . "$tests/boot.sh"
else
  skip "manifests for the program, installing them, and booting with the units: SOPS_INSTALL_SECRETS is not set"
fi
if has systemd-analyze; then check_units; else skip "units: systemd-analyze is missing"; fi

echo "Nix: $passed passed, $failed failed"
[ "$failed" = 0 ]
