# Part of run.sh. Installs the manifests of the cases in a small root of its own, and examines every file, owner, mode and symlink
# that is published.

# Runs in a mount namespace: makes the root, installs in it, and lists what is there.
install_in_new_root() {
  local program=$1 root=$work/root
  shift
  mkdir -p "$root"
  mount -t tmpfs tmpfs "$root"
  cd "$root" || return 1
  mkdir -p usr proc dev etc home/alice run/user/1000 tmp "./$work/files" "./$project"
  chown 1000:100 home/alice run/user/1000
  local directory
  for directory in bin sbin lib lib64; do ln -s "usr/$directory" "$directory"; done
  for directory in /usr /dev "$work/files" "$project"; do mount --rbind -o ro "$directory" "./$directory"; done
  mount -t proc proc proc
  cp "$tests_path/passwd" "$tests_path/group" etc/
  cp "$program" "$@" .

  local manifest arguments user
  for manifest in "$@"; do
    manifest=${manifest##*/}
    arguments= user=0:0
    # The program is called as the modules call it.
    case $manifest in *for-* | *home*) arguments=-ignore-passwd ;; esac
    case $manifest in *home*) user=1000:100 ;; esac
    echo "# ${manifest%.json}"
    chroot --userspec=$user . /usr/bin/env -i PATH=/usr/bin HOME=/var/empty XDG_RUNTIME_DIR=/run/user/1000 \
      "/${program##*/}" $arguments "/$manifest" 2> messages || { cat messages; return 1; }
  done
  # Directories that exist anyway are left out. For each file, the list has its checksum, not its content. The record of a run has
  # times in it, and the mark of a generation has a number of the file system, so they have no checksum.
  find Users etc home persist run tmp \( -path "${work#/}" -o -path "${project#/}" -o -path etc/passwd -o -path etc/group \) -prune -o \
    \( -type f -o -type l \) -printf '%M %U:%G %p %l\n' 2> /dev/null | sort -k3 |
    while read -r mode owner path target; do
      case $mode in
        l*) echo "$mode $owner /$path -> $target" ;;
        *) case $path in
          */.last-run.json | */.*.complete | */sops-nix/changed/*) echo "$mode $owner /$path" ;;
          *) echo "$mode $owner /$path $(sha256sum < "$path" | cut -c1-16)" ;;
        esac ;;
      esac
    done
}

# A manifest with the test key in place of the keys of the host for which it was written.
with_test_key() {
  with_real_files "$1" | jq --arg key "$project/tests/fixtures/keys/age.txt" \
    '.ageKeyFile = $key | .ageSshKeyPaths = [] | .sshKeyPaths = [] | .gnupgHome = null | del(.ageKeyCredential)'
}

# Puts the manifests of a case below a directory, the early manifest first, if all their sops files are here.
collect_manifests() {
  local case=$1 source=$2 target=$3 name kind=system
  mkdir -p "$target"
  case $case in home-*) kind=home ;; esac
  for name in manifest-for-users manifest-2 manifest-for-file-systems manifest manifest-1; do
    [ -e "$source/$name.json" ] || continue
    case $name in
      *for-users | *2) name_there=1-for-users ;;
      *for-file-systems) name_there=1-for-file-systems ;;
      *) name_there=2-$kind ;;
    esac
    # If there is nothing to install, the modules install nothing.
    jq -e '.secrets + .templates == []' "$source/$name.json" > /dev/null && continue
    with_test_key "$source/$name.json" > "$target/$name_there.json"
    jq -e --arg files "$work/files/" '[.secrets[].sopsFile | startswith($files)] | all' "$target/$name_there.json" > /dev/null || return 1
  done
  ls "$target"/*.json > /dev/null 2>&1
}

installs() {
  local program=$1 manifests=$2
  tests_path=$project/$tests work=$work project=$project
  export tests_path work project
  export -f install_in_new_root
  unshare --mount --propagation private bash -c 'install_in_new_root "$@"' install "$program" "$manifests"/*.json
}

check_installations() {
  if [ "$(id -u)" != 0 ] || ! unshare --mount true 2> /dev/null; then
    skip "installing the manifests: not root, or no mount namespaces here"
    return
  fi
  local case
  [ -n "$update" ] && rm -rf "$tests/installed" && mkdir "$tests/installed"
  # The documents have other secrets than the sops files here. A key service is there in a boot alone.
  for case in $(cd "$tests/expected" && ls -d -- */manifest*.json | cut -d/ -f1 | grep -Ev '^page-|^key-service-that-boots' | sort -u); do
    collect_manifests "$case" "$tests/expected/$case" "$work/install/$case" || continue
    installs "$SOPS_INSTALL_SECRETS" "$work/install/$case" > "$work/installed" 2>&1 || { fail "$case installs" "$work/installed"; continue; }
    if [ -n "$update" ]; then
      cp "$work/installed" "$tests/installed/$case"
    else
      check "installed by $case" diff -u "$tests/installed/$case" "$work/installed"
    fi
    # The program of sops-nix does not find a nested key in JSON.
    [ "$case" != secret-nested-in-json ] && [ -d "$work/upstream/$case" ] && [ -n "${SOPS_NIX_PROGRAM:-}" ] || continue
    # Some files are left out of the comparison, because each program leaves them beside the secrets: keys, our lock, our
    # record, and the messages of the run.
    collect_manifests "$case" "$work/upstream/$case" "$work/install-upstream/$case" || continue
    installs "$SOPS_NIX_PROGRAM" "$work/install-upstream/$case" 2>&1 | grep -v age-keys.txt > "$work/installed-upstream"
    grep -vE '/\.(lock |last-run\.json$)' "$work/installed" > "$work/installed-ours"
    check "installed by sops-nix for $case" diff -u "$work/installed-upstream" "$work/installed-ours"
  done
}
check_installations
