#!/usr/bin/env bash
# Shows the program on sample files: it installs secrets, one secret changes, and a unit is to be restarted. `make demo` runs this.
#
# As root everything happens in a private mount namespace with an empty /run. Otherwise it happens in user mode, in a directory that
# is removed. Only the build in target/ stays on the machine. README.md says where the samples come from.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

say() { printf '\n\033[1m== %s\033[0m\n' "$*"; }
need() { # usage: need PROGRAM REMEDY
    command -v "$1" > /dev/null || { echo "make demo needs $1: $2" >&2; exit 1; }
}

build() {
    need cargo "install Rust from https://rustup.rs, or the package cargo"
    need cc "install a C compiler, which Rust links with (the package gcc or build-essential)"
    say "building"
    cargo build
}

program=${CARGO_TARGET_DIR:-target}/debug/sops-install-secrets

# usage: manifest FILE  (the variables below say where and for whom)
manifest() {
    cat > "$1" <<JSON
{
  "secretsMountPoint": "$mount_point",
  "symlinkPath": "$link",
  "keepGenerations": 2,
  "userMode": $user_mode,
  "ageSshKeyPaths": ["$work/ssh_host_ed25519_key"],
  "logging": { "keyImport": true, "secretChanges": true },
  "secrets": [
    { "name": "database/password", "key": "database/password", "sopsFile": "$work/secrets.yaml", "format": "yaml",
      "path": "$link/database/password", "mode": "0440"$owner, "restartUnits": ["shop.service"] },
    { "name": "smtp-port", "key": "smtp/port", "sopsFile": "$work/secrets.yaml", "format": "yaml",
      "path": "$link/smtp-port", "mode": "0400" },
    { "name": "app.env", "key": "", "sopsFile": "$work/app.env", "format": "dotenv",
      "path": "$elsewhere/app.env", "mode": "0400" },
    { "name": "keytab", "key": "", "sopsFile": "$work/keytab", "format": "binary",
      "path": "$link/keytab", "mode": "0400" }
  ],
  "placeholderBySecretName": { "database/password": "<SOPS:demo:PLACEHOLDER>" },
  "templates": [
    { "name": "shop.conf", "content": "dsn = postgres://shop:<SOPS:demo:PLACEHOLDER>@db/shop\n",
      "path": "$link/rendered/shop.conf", "mode": "0400", "reloadUnits": ["proxy.service"] }
  ]
}
JSON
}

tree() { # modes, owners, names, targets of links
    find "$link" "$(readlink -f "$link")" "$elsewhere" -printf '%M %U:%G  %p  %l\n' | sed 's/ *$//' | sort -u -k3
}

demo() {
    install -m 0600 demo/ssh_host_ed25519_key "$work"
    cp demo/secrets.yaml demo/app.env demo/keytab "$work"
    manifest "$work/manifest.json"

    say "the manifest, as a Nix module would write it"
    cat "$work/manifest.json"
    say "sops-install-secrets manifest.json"
    "$program" "$work/manifest.json"
    echo "(exit code $?; the first run prints no names, later ones print what changed)"
    say "what is there now"
    tree
    say "the rendered template"
    cat "$link/rendered/shop.conf"

    cp demo/changed/secrets.yaml "$work"
    say "somebody changes the database's password: a dry run first"
    NIXOS_ACTION=dry-activate "$program" "$work/manifest.json"
    say "and the real one"
    "$program" "$work/manifest.json"
    readlink "$link"
    cat "$link/rendered/shop.conf"

    say "units to restart and to reload"
    if [ "$user_mode" = true ]; then
        echo "(none: in user mode no units are restarted; as root this shows the lists that switch-to-configuration reads)"
    else
        tail -n +1 /run/nixos/activation-re*-list
    fi
}

as_root() {
    mount -t tmpfs -o mode=0755 tmpfs /run
    mkdir /run/nixos
    work=/run/demo mount_point=/run/secrets.d link=/run/secrets elsewhere=/run/shop user_mode=false owner=', "uid": 1000, "gid": 100'
    mkdir "$work"
    demo
}

as_user() {
    # In memory if possible, like a real XDG_RUNTIME_DIR.
    work=$(mktemp -d -p /dev/shm 2> /dev/null || mktemp -d)
    trap 'rm -rf "$work"' EXIT
    export XDG_RUNTIME_DIR=$work/run
    mkdir -m 0700 "$XDG_RUNTIME_DIR"
    mount_point=$XDG_RUNTIME_DIR/secrets.d link=$work/config/sops-nix/secrets elsewhere=$work/shop user_mode=true owner=
    demo
}

case ${1:-} in
    --inside) as_root ;;
    *)
        build
        if [ "$(id -u)" != 0 ]; then
            say "not root: user mode, in a directory that is removed afterwards"
            as_user
        elif ! unshare --mount --propagation private true 2> /dev/null; then
            say "root, but not allowed to make a mount namespace (a container?): user mode"
            as_user
        else
            say "root: in a private mount namespace, with an empty /run"
            unshare --mount --propagation private -- bash demo/run.sh --inside
        fi
        say "done: all of it is removed"
        ;;
esac
