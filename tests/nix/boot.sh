# Part of run.sh. Boots a real systemd with the units of the cases, in a container over a copy of this root, and examines the
# published secrets. An evaluation cannot show how confinement and mounts work together, but this test can.

# Whether the commands before the installation of a case never end.
hangs() { grep -qs 'sleep infinity' "$1"/sops-nix-pre-install*.sh; }

# The files of a case. The test key replaces the keys that the case names.
lay_out_boot() {
  local case=$1 directory=$2 file
  translate_case "$case" "$directory"
  cp tests/fixtures/keys/age.txt "$directory/age.txt"
  chmod 0600 "$directory/age.txt"
  # By this name sops-nix knows the installer.
  cp "$SOPS_INSTALL_SECRETS" "$directory/sops-install-secrets"
  cp "$(dirname "$SOPS_INSTALL_SECRETS")/sops-nix" "$directory/"
  sed -i 's#/test/program#/test/sops-install-secrets#g' "$directory"/*.{sh,service,snippet} 2> /dev/null
  # It is built beside the other program.
  cp "$(dirname "$SOPS_INSTALL_SECRETS")/sops-key-services" "$directory/" 2> /dev/null || [ "${case#key-service-}" = "$case" ] || skip "key services: there is no sops-key-services"
  # Nobody waits so long for commands that never end, nor for what is said about them.
  sed -i 's/^timeout --kill-after=[0-9]* [0-9]* /timeout --kill-after=1 2 /' "$directory"/*.sh
  ! hangs "$directory" || sed -i 's/ sleep 2 & wait;/ sleep 1 \& wait;/' "$directory"/sops-nix-pre-install*.sh
  for file in "$directory"/manifest*.json; do
    # In some cases, the key is a credential. The container manager then passes it to the container. One case may make its key
    # itself.
    jq --arg makesKey "$(ls "$directory" | grep -x -e make-key.service -e sops-nix-pre-install.sh)" \
      '.ageKeyFile = (if .ageKeyCredential then null elif $makesKey != "" then .ageKeyFile else "/test/age.txt" end) | .ageSshKeyPaths = [] | .sshKeyPaths = []' \
      "$file" > "$file.new" && mv "$file.new" "$file"
  done
}

# Runs in a mount namespace: boots the units of a case on a copy of this root, and prints the output of the probe. Further arguments
# are passed to systemd-nspawn.
boot_in_container() {
  local directory=$1 root=$work/boot-root upper=$work/boot-upper units unit init=--boot
  shift
  mkdir -p "$root" "$upper"
  mount -t tmpfs tmpfs "$upper"
  mkdir "$upper/files" "$upper/work"
  mount -t overlay overlay -o "lowerdir=/,upperdir=$upper/files,workdir=$upper/work" "$root" || return 2
  cp -r "$directory" "$root/test"
  cp "$tests_path/boot-probe.sh" "$root/test/"
  cp "$tests_path/passwd" "$tests_path/group" "$root/etc/"
  units=$root/etc/systemd/system
  rm -rf "$units" && mkdir -p "$units/multi-user.target.wants"
  # userborn replaces the program that makes the users on this system.
  find "$directory" \( -name '*.service' ! -name userborn.service -o -name 'sops-*.target' -o -name '*.path' \) -exec cp -t "$units" {} +
  # Before version 253, systemd needs chroot to give a unit a mount namespace. If it may not call chroot, it starts no unit that
  # needs a mount namespace.
  case "$*" in
    *CAP_SYS_CHROOT*) ! systemd_is_before 253 || sed -Ei '/^(Protect[A-Za-z]*|ReadWritePaths)=/d' "$units"/sops-nix*.service ;;
  esac
  link_units "$units"
  cp "$tests_path/units/sysinit-reactivation.target" "$units/"
  # A service that uses a secret, and a service that examines the results and ends the boot.
  printf '[Service]\nType=oneshot\nRemainAfterExit=true\nExecStart=/bin/sh -c "cat /run/secrets/db/password >> /consumer"\n' > "$units/consumer.service"
  # If other units come before the secrets, ordinary units must say that they start after those.
  if [ -e "$units/make-key.service" ]; then
    sed -i '1i [Unit]\nAfter=sops-nix.service' "$units/consumer.service"
  fi
  printf '[Unit]\nAfter=consumer.service app.service\n[Service]\nType=oneshot\nExecStart=/bin/bash /test/boot-probe.sh\nExecStopPost=/bin/systemctl poweroff --no-block --force\nTimeoutStartSec=240\n' > "$units/probe.service"
  ln -s ../consumer.service ../probe.service "$units/multi-user.target.wants/"
  ln -s /lib/systemd/system/multi-user.target "$units/default.target"
  for unit in networking systemd-networkd systemd-resolved; do ln -sf /dev/null "$units/$unit.service"; done
  # The image has the id of this machine, but the container must have another id.
  echo 00000000000000000000000000000001 > "$root/etc/machine-id"
  # NixOS runs its scripts before it starts systemd.
  if [ -e "$directory/setupSecrets.snippet" ]; then
    init=/test/init
    {
      printf '%s\n' '#!/bin/bash' 'export PATH=/usr/bin:/usr/sbin' 'umask 0022'
      cat "$directory"/setupSecretsForUsers.snippet "$directory/setupSecrets.snippet" 2> /dev/null
      echo 'exec /lib/systemd/systemd'
    } > "$root$init"
    chmod +x "$root$init"
  fi
  timeout 300 systemd-nspawn --quiet --private-network --register=no --keep-unit --load-credential=sops-age-key:"$credential" "$@" --directory="$root" --console=read-only "$init" > "$root/console" 2>&1 < /dev/null
  [ -e "$root/probe.log" ] || { cat "$root/console"; return 2; }
  cat "$root/probe.log"
  # What our units say to whoever sits at the console, with their confinement.
  tr -d '\r' < "$root/console" | grep -aoE "^warning: all secrets .*$(! hangs "$directory" || echo '|^waiting for sops.preInstall')" | sort -u | sed 's/^/# on the console: /'
  return 0
}

boots() {
  local case=$1
  shift
  # In a mount namespace that is not private, systemd-nspawn would change the mounts of this machine.
  unshare --mount --propagation slave bash -c 'boot_in_container "$@"' boot "$work/boot/$case" "$@" > "$work/booted" 2>&1
}

# Boots a case, and compares the results with the files in booted/ under a name.
check_boot() {
  local name=$1 case=$2
  shift 2
  rm -rf "$work/boot/$case"
  lay_out_boot "$case" "$work/boot/$case"
  if ! boots "$case" "$@"; then
    fail "$name boots" "$work/booted"
  elif [ -n "$update" ]; then
    mkdir -p "$tests/booted" && cp "$work/booted" "$tests/booted/$name"
  else
    check "booted with $name" diff -u "$tests/booted/$name" "$work/booted"
  fi
}

check_boots() {
  if [ "$(id -u)" != 0 ] || ! has systemd-nspawn || ! unshare --mount true 2> /dev/null; then
    skip "booting the units: not root, or systemd-nspawn is missing"
    return
  fi
  tests_path=$project/$tests
  credential=$project/tests/fixtures/keys/age.txt
  export tests_path credential work project
  export -f boot_in_container hangs link_units systemd_is_before
  # A boot without our units shows what is possible on this machine.
  mkdir -p "$work/boot/nothing"
  if ! boots nothing; then
    skip "booting the units: systemd does not boot in a container here"
    return
  fi
  local case
  for case in activation-with-userborn activation-by-scripts key-credential-with-userborn writable-directories \
    ordinary-units-before-the-unit ordinary-units-before-the-unit-with-scripts credential-of-a-service-without-rights disabled disabled-with-scripts \
    commands-around-units commands-around-scripts commands-that-hang-around-units commands-that-hang-around-scripts mock-that-boots mock-with-scripts-that-boots key-service-that-boots key-service-that-boots-by-script boot-screen; do
    check_boot "$case" "$case"
  done
  # Some containers may mount nothing (Debian's systemd needs a mount at /run/lock), or may not enter a mount namespace.
  check_boot without-the-right-to-mount activation-with-userborn --drop-capability=CAP_SYS_ADMIN --tmpfs=/run/lock
  check_boot without-the-right-to-enter-namespaces activation-with-userborn --drop-capability=CAP_SYS_CHROOT
}
check_boots
