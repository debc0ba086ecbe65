# Runs in the container at the end of its boot. Prints the states of the units and the secrets, in lines that are the same on every
# machine.
exec > /probe.log 2>&1
state() { systemctl show "$1" -p ActiveState -p Result --value | paste -sd' '; }
tree() {
  find /run/secrets.d /run/secrets-for-users.d /data -mindepth 1 \( -type f -o -type l \) -printf '%M %u:%g %p %l\n' 2> /dev/null | sort -k3
}
mounts() {
  for mount in /run/secrets.d /run/secrets-for-users.d; do
    findmnt -n -o TARGET,FSTYPE,OPTIONS "$mount" && stat -c '%a %U:%G' "$mount"
  done
}
metrics() {
  for file in /data/metrics/*.prom; do
    [ ! -e "$file" ] || echo "# ${file##*/}: $(grep -c ^sops_nix_ "$file") metrics, $(grep ^sops_nix_last_run_success "$file")"
  done
}

echo "# units"
for unit in sops-nix-for-users sops-nix sops-install-secrets; do echo "$unit: $(state "$unit")"; done
# The units of the case itself.
for unit in make-key vault-sync wait-for-token token app sops-nix-online; do
  [ ! -e "/etc/systemd/system/$unit.service" ] || echo "$unit: $(state "$unit")"
done
[ ! -e /etc/systemd/system/sops-nix-online.service ] ||
  echo "# before the network was there: $(cat /run/sops-nix/log <(journalctl -b -o cat -u sops-nix) 2> /dev/null | grep -m 1 -o 'deferred until.*')"
echo "# ordering cycles: $(journalctl -b | grep -c 'ordering cycle')"
echo "# mounts"
mounts
echo "# files"
tree
metrics
# On a healthy host there is nothing to find. (What is in /data has a link in /tmp beside it, which the system may have emptied.)
if [ "$(state sops-nix)" = "success active" ] && [ ! -e /data ]; then
  echo "# what the doctor finds: $(/test/sops-nix doctor 2>&1 | grep -v '^waiting for')"
fi
echo "# a unit that needs a secret read: $(cat /consumer)"
[ ! -e /app ] || echo "# a unit of the case read: $(cat /app)"

# A switch starts the units anew by this target, with the key service and without it.
if [ -e /etc/systemd/system/sops-nix-online.service ]; then
  for way in without with; do
    if [ "$way" = with ]; then systemctl start vault; else systemctl stop vault; fi
    systemctl stop sops-nix-online $([ -e /test/setupSecrets.snippet ] || echo sops-nix)
    systemctl restart sysinit-reactivation.target
    echo "# after a switch $way the key service: $(state sops-nix), $(state sops-nix-online)"
    tree
  done
fi

# A listener stands for the boot screen, in the network of the system, and another run holds the lock.
if grep -qx 'PrivateNetwork=false' /etc/systemd/system/sops-nix.service && ! grep -q AF_INET /etc/systemd/system/sops-nix.service; then
  python3 -c '
import socket
screen = socket.socket(socket.AF_UNIX)
screen.bind("\0/org/freedesktop/plymouthd")
screen.listen()
screen.settimeout(20)
print(screen.accept()[0].makefile("rb").read())' > /screen &
  screen=$!
  flock --no-fork /run/secrets.d/.lock sleep 4 &
  until ! flock --nonblock /run/secrets.d/.lock true; do sleep 0.05; done
  systemctl restart sops-nix
  wait "$screen"
  echo "# on the boot screen: $(grep -o 'waiting.*' /screen | sed 's/process [0-9]*/process N/')"
fi

# The sops file is replaced by another, as after a switch, and the unit is started again.
sed -i 's#files/secrets.yaml#files/production.yaml#' /test/manifest.json
jq '.secrets |= map(select(.name == "db/password") | .restartUnits += ["consumer.service"])' /test/manifest.json > /test/manifest.new && mv /test/manifest.new /test/manifest.json
systemctl restart sops-install-secrets
echo "# restarted by its other name: $(state sops-nix)"
for _ in $(seq 50); do [ "$(wc -c < /consumer)" -gt 13 ] && break; sleep 0.1; done
echo "# the unit that needs the secret was restarted and read: $(cat /consumer)"
if jq -e '.secrets[].restartUnits | index("app.service")' /test/manifest.json > /dev/null; then
  for _ in $(seq 50); do [ "$(wc -c < /app)" -gt 13 ] && break; sleep 0.1; done
  echo "# the unit of the case was restarted and read: $(cat /app)"
fi
tree

# A switch that would not find the unit in its configuration. So no list names the unit, and systemd is asked.
# (Outside the unit, no command of the case brings the key.)
if [ ! -e /hooks ] && jq -e .ageKeyFile /test/manifest.json > /dev/null; then
  before=$(wc -c < /consumer)
  mkdir -p /run/nixos /test/no-units
  sed -i 's#"mode": "0400"#"mode": "0440"#' /test/manifest.json
  SOPS_NIX_UNITS=/test/no-units SOPS_NIX_SYSTEMCTL=$(command -v systemctl) /test/sops-install-secrets /test/manifest.json > /dev/null 2>&1
  echo "# run by a switch that does not find the unit: $?"
  for _ in $(seq 50); do [ "$(wc -c < /consumer)" -gt "$before" ] && break; sleep 0.1; done
  echo "# the unit was restarted and read: $(tail -c +$((before + 1)) /consumer); in lists: $(cat /run/nixos/* 2> /dev/null)"
fi

# A failure is visible, and changes nothing.
sed -i 's#"key": "db/password"#"key": "no/such/key"#' /test/manifest.json
systemctl restart sops-nix 2> /dev/null
echo "# after a failure: $(state sops-nix)"
metrics
tree

# The commands that the case has around each installation.
if [ -e /hooks ]; then
  echo "# commands around the installations: $(paste -sd, /hooks)"
  # A switch that changes the secrets of all phases starts their units at the same time.
  : > /hooks
  systemctl restart $(cd /etc/systemd/system && ls -d sops-nix*.service) 2> /dev/null
  echo "# and on a switch of all phases: $(paste -sd, /hooks)"
  echo "# what they leave behind: $(ls /var/lib/sops-nix)"
  ! grep -q 'sleep infinity' /test/sops-nix-pre-install.sh ||
    echo "# what was said of those that take long: $(journalctl -b -o cat -u 'sops-nix*' | grep -x 'waiting for sops.preInstall' | sort -u)"
fi
