# Part of run.sh. Runs the generated scripts of expected/, with stand-ins for the programs that they call.

# Copies a script, with other paths of its programs: stand-ins are below $work/bin, and all other programs are those of this
# machine.
runnable() {
  sed -E "s#/nix/store/0{32}-(coreutils|findutils|flock|gnugrep|gnused|util-linux)/bin#$(dirname "$(command -v env)")#g
          s#/nix/store/0{32}-(age|plymouth|systemd)/bin/#$work/bin/#g
          s#/nix/store/0{32}-(sops-nix[a-z-]*)#$work/bin/\1#g
          s#/usr/bin/(hdiutil|getconf)#$work/bin/\1#g
          s#/run/#$work/run/#g; s#/var/lib/#$work/lib/#g; s#/Users/#$work/run/Users/#g" "$1"
}
stand_in() {
  printf '#!/bin/sh\n%s\n' "$2" > "$work/bin/$1"
  chmod +x "$work/bin/$1"
}

# Puts a snippet into an activation script as NixOS does: an error of the snippet is recorded, and the script goes on.
activate() {
  { echo '_localstatus=0; trap "_localstatus=\$?" ERR'; runnable "$1"; echo 'exit $_localstatus'; } > "$work/activation"
  bash "$work/activation" > "$work/said" 2>&1
}

# Compares the output and the exit code of a step with the expected ones.
expect() {
  local name=$1 status=$2 said=$3 code=$4
  if [ "$code" = "$status" ] && [ "$(cat "$work/said")" = "$said" ]; then
    pass
  else
    { echo "expected $status: $said"; echo "was $code: $(cat "$work/said")"; } > "$work/difference"
    fail "$name" "$work/difference"
  fi
}
fresh() { rm -rf "$work/run" "$work/lib" "$work/bin" && mkdir -p "$work/run" "$work/lib" "$work/bin"; }

check_activation_scripts() {
  local here=$tests/expected/activation-by-scripts
  fresh
  stand_in sops-nix 'echo regular >&2; exit ${REGULAR:-0}'
  stand_in sops-nix-for-users 'echo early; exit ${EARLY:-0}'
  runnable "$here/sops-nix-show-or-install.sh" > "$work/unit"
  unit() { bash "$work/unit" > "$work/said" 2>&1; }

  EARLY=1 activate "$here/setupSecretsForUsers.snippet"
  expect "at boot a failing early phase is noted" 1 $'setting up secrets for users...\nearly' $?
  REGULAR=3 activate "$here/setupSecrets.snippet"
  expect "at boot a failing regular phase is noted" 3 $'setting up secrets...\nregular' $?
  unit
  expect "the unit shows both, and fails as the first that failed" 1 $'early\nregular' $?
  unit
  expect "started again it installs" 0 regular $?

  stand_in sops-nix "echo waits; for _ in \$(seq 100); do grep -q waits '$work/said' && exec echo shown; sleep 0.1; done"
  activate "$here/setupSecrets.snippet"
  expect "at boot it is shown at once what is waited for" 0 $'setting up secrets...\nwaits\nshown' $?
  unit
  expect "and the unit shows it, too" 0 $'waits\nshown' $?
  stand_in sops-nix 'sleep 30 & echo regular >&2'
  local before=$SECONDS
  activate "$here/setupSecrets.snippet"
  expect "at boot, what is left running is not waited for" 0 $'setting up secrets...\nregular' $?
  check "for long" test $((SECONDS - before)) -lt 20
  unit
  stand_in sops-nix 'echo regular >&2; exit ${REGULAR:-0}'

  activate "$here/setupSecretsForUsers.snippet"
  expect "at boot an early phase succeeds" 0 $'setting up secrets for users...\nearly' $?
  REGULAR=3 activate "$here/setupSecrets.snippet"
  unit
  expect "the unit fails as the regular phase did" 3 $'early\nregular' $?

  activate "$here/setupSecrets.snippet"
  unit
  expect "the unit shows a success" 0 regular $?

  touch "$work/run/current-system"
  REGULAR=1 activate "$here/setupSecrets.snippet"
  expect "on a switch a failure is noted" 1 regular $?
  REGULAR=4 unit
  expect "and leaves no record: the unit installs" 4 regular $?

  # A unit may have made the key meanwhile.
  rm "$work/run/current-system"
  runnable "$tests/expected/ordinary-units-before-the-unit-with-scripts/sops-nix-show-or-install.sh" > "$work/unit"
  REGULAR=1 activate "$here/setupSecrets.snippet"
  unit
  expect "what failed at boot is tried again after other units" 0 $'regular\ntrying again, because more of the system has started since\nregular' $?
  EARLY=5 activate "$here/setupSecretsForUsers.snippet"
  activate "$here/setupSecrets.snippet"
  unit
  expect "users that were created without their secrets stay a failure" 5 $'early\nregular\ntrying again, because more of the system has started since\nregular' $?
  EARLY=5 activate "$here/setupSecretsForUsers.snippet"
  REGULAR=1 activate "$here/setupSecrets.snippet"
  REGULAR=6 unit
  expect "and what fails again has failed as it does now" 6 $'early\nregular\ntrying again, because more of the system has started since\nregular' $?
  unit
  expect "but only once" 0 regular $?
  activate "$here/setupSecrets.snippet"
  unit
  expect "and what did not is not" 0 regular $?
  touch "$work/run/current-system"

  activate "$tests/expected/no-secret-at-all/setupSecrets.snippet"
  expect "without secrets nothing is done" 0 "" $?
  mkdir "$work/run/secrets.d"
  activate "$tests/expected/no-secret-at-all/setupSecrets.snippet"
  expect "unless there were some" 0 regular $?
}

# A script with commands around the installation, which a signal ends. As from a terminal, it goes to all processes of the script.
check_hooks() {
  local here=$tests/expected/commands-that-hang-around-scripts name signal
  fresh
  for name in sops-nix-pre-install sops-nix-post-install sops-nix-install; do
    runnable "$here/$name.sh" | sed "s#/hooks#$work/hooks#; s#/test/age.txt#$here/manifest.json#; s/^timeout --kill-after=[0-9]* [0-9]* /timeout --kill-after=1 20 /" > "$work/bin/$name"
    chmod +x "$work/bin/$name"
  done
  # Sends a signal as soon as the named file is there. The shell may name the signal; only what the commands did is compared.
  interrupted() {
    : > "$work/hooks"
    # A shell lets what it runs beside itself ignore INT, and nohup lets all that it runs ignore HUP.
    setsid env --default-signal=INT,HUP "$work/bin/sops-nix-install" > /dev/null 2>&1 &
    local script=$!
    for _ in $(seq 100); do [ -s "$1" ] && break; sleep 0.1; done
    sleep 0.2
    kill -s "$2" -- -"$script"
    wait "$script"
    local code=$?
    cp "$work/hooks" "$work/said"
    return "$code"
  }
  stand_in sops-nix "echo installs > '$work/run/installs'; exec sleep 20"
  sed -i 's/^sleep infinity/:/' "$work/bin/sops-nix-pre-install"
  for signal in "HUP 129" "INT 130" "TERM 143"; do
    rm -f "$work/run/installs"
    interrupted "$work/run/installs" "${signal% *}"
    expect "${signal% *} does not leave the key" "${signal#* }" $'before regular\nkey of mode 600\nafter regular' $?
    check "neither in its place" test ! -e "$work/lib/sops-nix/key.txt"
  done
  stand_in sops-nix 'echo installed'
  sed -i 's/^:$/sleep 3/' "$work/bin/sops-nix-pre-install"
  interrupted "$work/lib/sops-nix/key.txt" TERM
  expect "nor before the installation" 143 $'before regular\nkey of mode 600\nafter regular' $?
  "$work/bin/sops-nix-pre-install" > "$work/said" 2>&1
  expect "commands that take long are named" 0 "waiting for sops.preInstall" $?
  sed -i 's/ sleep 2 & wait;/ sleep 60 \& wait;/' "$work/bin/sops-nix-post-install"
  local before=$SECONDS
  "$work/bin/sops-nix-post-install" > "$work/said" 2>&1
  expect "and others are not" 0 "" $?
  check "nor is that waited for" test $((SECONDS - before)) -lt 50

  runnable "$tests/expected/boot-screen-during-commands/sops-nix-pre-install.sh" > "$work/bin/sops-nix-pre-install"
  stand_in plymouth 'echo "$@"'
  "$work/bin/sops-nix-pre-install" > "$work/said" 2>&1
  expect "the boot screen shows them, and no longer than they take" 0 \
    $'waiting for sops.preInstall\ndisplay-message --text=waiting for sops.preInstall\nhide-message --text=waiting for sops.preInstall' $?
}

# Makes keys by the real age-keygen.
check_key_generation() {
  has age-keygen || { skip "generation of keys: age-keygen is missing"; return; }
  local key=$work/lib/sops-nix/key.txt generating real
  generating="generating the age key of this machine: $key"
  real=$(command -v age-keygen)
  fresh
  runnable "$tests/expected/generated-key-by-script/sops-nix-generate-age-key.sh" > "$work/generate"
  stand_in age-keygen "exec $real \"\$@\""
  generate() { LC_ALL=C bash "$work/generate" > "$work/said" 2>&1; }
  # Each key that was printed is in the file, or in the other file.
  expect_key() { expect "$1" 0 "$generating"$'\n'"Public key: $(age-keygen -y "${2:-$key}")" $?; }
  without() { rm -rf "$work/lib" && mkdir -p "$work/lib" "${key%/*}"; }

  generate
  expect_key "a key is made"
  check "for its owner alone" test "$(stat -c %a "$key" "${key%/*}" | paste -sd' ')" = "600 700"
  check "and nothing beside it" test "$(ls -A "${key%/*}")" = key.txt
  cp "$key" "$work/lib/mine"
  generate
  expect "a key that is there stays" 0 "" $?
  check "as it was" cmp "$key" "$work/lib/mine"
  rm "$key" && echo half > "$key.new"
  generate
  expect_key "a half-made one is no key"
  check "and leaves nothing" test ! -e "$key.new"
  : > "$key"
  generate
  expect_key "an empty file is no key"
  without && rmdir "${key%/*}" && mkfifo "$work/fifo" && mkdir "${key%/*}" && ln -s "$work/fifo" "$key"
  generate
  expect "what cannot be looked into may be a key" 0 "" $?

  without && ln -s "$work/lib/not/yet/key" "$key"
  generate
  expect_key "a link that leads nowhere is followed" "$work/lib/not/yet/key"
  check "and still a link" test -L "$key" -a "$(stat -L -c %a "$key")" = 600
  generate
  expect "the key at its end stays" 0 "" $?
  without && ln -s ../elsewhere/key "$key"
  generate
  expect_key "and a relative one" "$work/lib/elsewhere/key"
  without && ln -s key.txt "$key"
  generate
  expect "a link to itself is an error" 1 "$generating"$'\n'"$key is a symlink that leads to itself: remove it" $?
  without && echo > "$work/lib/file" && ln -s ../file/key "$key"
  generate
  expect "and one into a file" 1 "$generating"$'\n'"mkdir: cannot create directory '$work/lib/file': File exists" $?

  without
  stand_in age-keygen 'echo broken >&2; exit 1'
  generate
  expect "a failure is one" 1 "$generating"$'\n'broken $?
  check "without a key" test -z "$(ls -A "${key%/*}")"
  check_races_for_a_key
  if [ "$(id -u)" != 0 ] || ! unshare --mount true 2> /dev/null; then
    skip "a key on a full disk, on a read-only one, and in a file that is a mount: not root"
    return
  fi
  stand_in age-keygen "exec $real \"\$@\""
  check_full_disk_for_a_key
  check_mounted_key
}

# Eight runs at the same time, with no file and with an empty file. Every run must print the key that is in the file at the end.
check_races_for_a_key() {
  local start number
  stand_in age-keygen "sleep 0.0\$((\$\$ % 10)); exec $real \"\$@\""
  for start in nothing empty; do
    without
    [ $start = nothing ] || : > "$key"
    for number in 1 2 3 4 5 6 7 8; do bash "$work/generate" > "$work/said.$number" 2>&1 & done
    wait
    check "one of many runs makes a key, from $start" test "$(cat "$work"/said.? | grep -v '^generating')" = "Public key: $(age-keygen -y "$key")"
  done
  # A program that does not know the lock.
  without
  stand_in age-keygen "[ -e '$key' ] || $real -o '$key' 2> /dev/null; exec $real \"\$@\""
  generate
  expect "another's key is not replaced" 0 "$generating" $?
  check "and nothing is left beside it" test "$(ls -A "${key%/*}")" = key.txt
}

check_full_disk_for_a_key() {
  without
  unshare --mount bash -c 'mount -t tmpfs -o size=8k tmpfs "$1" && head -c 1M /dev/zero > "$1/other" 2> /dev/null; bash "$2"; echo "$?"; ls -A "$1"; rm "$1/other"; bash "$2"; grep -c AGE-SECRET-KEY "$1/key.txt"' \
    disk "${key%/*}" "$work/generate" > "$work/said" 2>&1
  # Some versions of age-keygen say it themselves.
  sed -Ei "s/^Public key: age1.*/Public key/; /^age-keygen: report /d; s#^age-keygen: .*$key.new: no space left on device#cannot write $key.new; to see whether the disk is full, run: df ${key%/*}#" "$work/said"
  expect "a full disk is told, leaves nothing, and the next run makes the key" 0 \
    "$(printf '%s\n' "$generating" "cannot write $key.new; to see whether the disk is full, run: df ${key%/*}" 1 other "$generating" "Public key" 1)" 0
}

# Files and directories on which another file or directory is mounted.
check_mounted_key() {
  # Runs as root in a mount namespace: mounts by the command in the first argument, and makes the key there. Prints the mode and the
  # owner of the file.
  mounted() {
    unshare --mount bash -c "$1; bash '$work/generate'; echo \"\$?\"; stat -c '%a %u' '$key'" > "$work/said" 2>&1
  }
  local kept=$work/lib/kept
  without && : > "$key" && : > "$kept" && chown 1000 "$kept" && chmod 0644 "$kept"
  mounted "mount --bind '$kept' '$key'"
  expect "an empty file that is a mount gets the key" 0 \
    "$(printf '%s\n' "$generating" "Public key: $(age-keygen -y "$kept")" 0 "600 1000")" $?
  check "and nothing is left beside it" test "$(ls -A "${key%/*}")" = key.txt -a ! -s "$key"
  cp "$kept" "$work/lib/mine"
  mounted "mount --bind '$kept' '$key'"
  expect "a key that is there stays" 0 $'0\n600 1000' $?
  check "as it was" cmp "$kept" "$work/lib/mine"

  : > "$kept"
  mounted "mount -t tmpfs -o ro tmpfs '${key%/*}' 2> /dev/null; mount -o remount,rw '${key%/*}'; : > '$key'; mount --bind '$kept' '$key'; mount -o remount,bind,ro '${key%/*}'"
  expect "in a directory that is read-only too" 0 \
    "$(printf '%s\n' "$generating" "Public key: $(age-keygen -y "$kept")" 0 "600 1000")" $?

  if has strace; then
    : > "$kept" && : > "$key"
    mounted "mount --bind '$kept' '$key'; strace -f -qq -P '$key' -e trace=write -o '$work/writes' bash '$work/generate'"
    check "and by one write, so that it is never a comment without a key" test "$(grep -c 'write(' "$work/writes")" = 1
  else
    skip "a key is written at once: strace is missing"
  fi

  # First the disk is full, then it is not.
  without && : > "$key"
  mounted "mount -t tmpfs -o size=8k tmpfs /mnt; : > /mnt/key; mount --bind /mnt/key '$key'
    head -c 1M /dev/zero > /mnt/other 2> /dev/null; bash '$work/generate'; stat -c %s '$key'; rm /mnt/other"
  sed -Ei 's/^(Public key: age1).*/\1/' "$work/said"
  expect "on a full disk it stays empty" 0 \
    "$(printf '%s\n' "$generating" "cannot write $key; to see whether the disk is full, run: df $key" 0 "$generating" "Public key: age1" 0 "600 0")" $?

  mounted "mount --bind '$key' '$key'; mount -o remount,bind,ro '$key'"
  expect "a read-only file is told" 0 \
    "$(printf '%s\n' "$generating" "cannot write to $key; to see how it is mounted and who owns it, run: findmnt --target $key; ls -ld $key" 1 "644 0")" $?
  mounted "mount --bind '${key%/*}' '${key%/*}'; mount -o remount,bind,ro '${key%/*}'"
  expect "and a read-only directory" 0 \
    "$(printf '%s\n' "$generating" "cannot write to ${key%/*}; to see how it is mounted and who owns it, run: findmnt --target ${key%/*}; ls -ld ${key%/*}" 1 "644 0")" $?
  mounted "mount --bind '${key%/*}' '${key%/*}'"
  expect "a directory that is a mount is like any other" 0 \
    "$(printf '%s\n' "$generating" "Public key: $(age-keygen -y "$key")" 0 "600 0")" $?

  # A program that does not know the lock adds a key after the script has looked at the file and before it writes. The file must
  # have both keys, and both must be printed.
  without && : > "$key" && : > "$kept"
  stand_in age-keygen "[ -s '$kept' ] || $real >> '$kept' 2> /dev/null; exec $real \"\$@\""
  mounted "mount --bind '$kept' '$key'"
  expect "another's key in such a file is not overwritten" 0 \
    "$(printf '%s\n' "$generating" "Public key: $(age-keygen -y "$kept")" 0 "600 0")" $?
  check "and stands beside ours" test "$(grep -c AGE-SECRET-KEY "$kept")" = 2
}

check_home_activation() {
  local runtime=$work/run/user
  fresh
  stand_in sops-nix-user 'echo "installed in $XDG_RUNTIME_DIR"'
  stand_in sops-nix-generate-age-key 'echo generated'
  home() {
    { echo 'set -eu; run() { if [ -n "${DRY_RUN:-}" ]; then echo "would run $*"; else "$@"; fi; }'; runnable "$tests/expected/$1/activation.snippet"; } > "$work/activation"
    XDG_RUNTIME_DIR=$runtime bash "$work/activation" > "$work/said" 2>&1
  }

  stand_in systemctl 'case "$2" in show-environment) ;; *) echo "systemctl $*" ;; esac'
  home home-generated-key
  expect "a user manager restarts the unit" 0 "systemctl --user restart sops-nix.service" $?
  stand_in systemctl '[ "$2" = show-environment ]'
  home home-generated-key
  expect "a unit that fails fails the activation" 1 "" $?

  stand_in systemctl 'exit 1'
  home home-generated-key
  expect "without a user manager and a run-time directory nothing can be done" 0 \
    "There is no run-time directory $runtime yet: the secrets will be installed when the user manager starts." $?
  home home-run-time-directory-written-out
  expect "nor where it is written out" 0 \
    "There is no run-time directory $runtime yet: the secrets will be installed when the user manager starts." $?
  home home-places-without-a-run-time-directory
  expect "unless nothing needs it" 0 "installed in $runtime" $?
  mkdir "$runtime"
  home home-generated-key
  expect "without a user manager the secrets are installed at once" 0 $'generated\n'"installed in $runtime" $?
  stand_in sops-nix-user 'echo "no key" >&2; exit 1'
  home home-defaults
  expect "and what fails there does not end the activation" 0 \
    $'no key\nThe secrets could not be installed. The user manager tries again when it starts.' $?
  stand_in sops-nix-user 'echo "installed in $XDG_RUNTIME_DIR"'
  home home-key-credential
  expect "but not with a credential, which only a user manager can give" 0 \
    "There is no user manager to give the credential sops-age-key yet: the secrets will be installed when the user manager starts." $?
  DRY_RUN=1 home home-defaults
  expect "a dry run only says so" 0 "would run $(command -v env) XDG_RUNTIME_DIR=$runtime $work/bin/sops-nix-user" $?

  # A configuration without secrets. The symlink of the user is below $work too.
  local link=$work/home/.config/sops-nix/secrets
  clean() { XDG_RUNTIME_DIR=$runtime bash "$work/activation" > "$work/said" 2>&1; }
  home home-without-secrets
  sed -i "s#/home/alice/#$work/home/#g" "$work/activation"
  mkdir -p "${link%/*}" "$runtime/secrets.d/2" "$work/other/2"
  ln -s "$runtime/secrets.d/2" "$link"
  DRY_RUN=1 clean
  check "a dry run removes nothing" test -e "$link"
  clean
  expect "without secrets what was installed is removed" 0 "" $?
  check "the link and the generations" test ! -L "$link" -a ! -e "$runtime/secrets.d"
  clean
  expect "and then there is nothing to do" 0 "" $?
  mkdir "$runtime/secrets.d"
  ln -s "$work/other/2" "$link"
  clean
  expect "somebody else's link is none of ours" 0 "" $?
  check "and stays, with all the rest" test -L "$link" -a -d "$runtime/secrets.d" -a -d "$work/other/2"
}

# Makes a key as on macOS.
check_key_generation_on_macos() {
  has age-keygen || return
  local key=$work/lib/sops-nix/key.txt real others
  real=$(command -v age-keygen)
  fresh
  runnable "$tests/expected/darwin-generated-key/sops-nix-generate-age-key.sh" > "$work/generate"
  stand_in age-keygen "exec $real \"\$@\""
  : > "$work/all"
  # Several scripts at once, which all find no key. Each that prints a key prints the one that stays.
  for _ in 1 2 3 4 5; do bash "$work/generate" >> "$work/all" 2>&1 & others="${others:-} $!"; done
  wait $others
  check "on macOS, one of several scripts makes the key" test "$(grep -c 'Public key: ' "$work/all")" -ge 1
  check "and only that is printed" test -z "$(grep 'Public key: ' "$work/all" | grep -vF "Public key: $(age-keygen -y "$key")")"
  check "for its owner alone" test "$(stat -c %a "$key" "${key%/*}" | paste -sd' ')" = "600 700"
  check "and nothing beside it" test "$(ls -A "${key%/*}")" = key.txt
  bash "$work/generate" > "$work/said" 2>&1
  expect "a key that is there stays" 0 "" $?
}

# Removes what was installed on macOS. hdiutil is a stand-in, which removes what is on the disk.
check_removal_on_macos() {
  local removed=$work/run/secrets.d
  fresh
  stand_in hdiutil 'echo "$*" >> "'"$work"'/detached"; [ "$1 $3" = "detach -force" ] && rm -rf "$2"/*'
  runnable "$tests/expected/darwin-without-secrets/sops-nix-remove-memory-disk.sh" > "$work/bin/sops-nix-remove-memory-disk"
  chmod +x "$work/bin/sops-nix-remove-memory-disk"
  { echo 'set -e'; runnable "$tests/expected/darwin-without-secrets/postActivation.snippet"; } > "$work/activation"
  installed() { rm -rf "$work/run/secrets" "$removed" "$work/detached" && mkdir -p "$removed/2" && ln -s "$1" "$work/run/secrets"; }
  remove() { bash "$work/activation" > "$work/said" 2>&1; }

  installed "$removed/2" && touch "$removed/sops-nix-secretfs"
  remove
  expect "without secrets, a memory disk is detached" 0 "" $?
  check "once" test "$(cat "$work/detached")" = "detach $(cd "$work/run" && pwd -P)/secrets.d -force"
  check "and all is gone" test ! -L "$work/run/secrets" -a ! -e "$removed"
  remove
  expect "and then there is nothing to do" 0 "" $?
  installed "$removed/2"
  remove
  expect "without a memory disk, the directory is removed" 0 "" $?
  check "and nothing is detached" test ! -e "$work/detached" -a ! -L "$work/run/secrets" -a ! -e "$removed"
  installed "$work/other"
  remove
  expect "somebody else's link is none of ours" 0 "" $?
  check "and stays, with all the rest" test -L "$work/run/secrets" -a -d "$removed/2" -a ! -e "$work/detached"
}

# Runs the parts of the activation of home-manager on macOS in their order. The line `agents` stands for the start of launchd agents.
check_home_activation_on_macos() {
  local here=$tests/expected/home-on-macos failed
  fresh
  check "on macOS, secrets are installed before agents start" grep -qx '# before: setupLaunchAgents' "$here/activation.snippet"
  check "and a failure counts after that" grep -qx '# after: setupLaunchAgents sops-nix' "$here/activation-outcome.snippet"
  {
    echo 'set -eu; run() { if [ -n "${DRY_RUN:-}" ]; then echo "would run ${1##*/}"; else "$@"; fi; }'
    runnable "$here/activation.snippet"
    echo 'echo agents'
    runnable "$here/activation-outcome.snippet"
    echo 'echo done'
  } > "$work/activation"
  home() { bash "$work/activation" > "$work/said" 2>&1; }

  stand_in sops-nix-user 'echo installed'
  home
  expect "home-manager on macOS installs secrets" 0 $'installed\nagents\ndone' $?
  check "and makes the directory of the logs" test -d "$work/run/Users/alice/Library/Logs/SopsNix"
  DRY_RUN=1 home
  expect "a dry run installs nothing" 0 $'would run mkdir\nwould run sops-nix-user\nagents\ndone' $?
  stand_in sops-nix-user 'echo "no key" >&2; exit 1'
  failed="The secrets could not be installed: see the messages above. The launchd agent sops-nix tries again at the next login."
  home
  expect "a failure is an error, but the agents start" 1 $'no key\nagents\n'"$failed" $?
}

check_activation_scripts
check_hooks
check_home_activation_on_macos
check_key_generation_on_macos
check_removal_on_macos
check_key_generation
check_home_activation
