# Functions for the hosts of the cases.

# A unit and the script that it calls: NAME FLAGS MANIFEST, as the module makes them.
unit() {
    printf '#!/bin/sh\nexport HOME=/var/empty\nexec %s/sops-install-secrets %s %s/%s\n' "$PWD" "$2" "$PWD" "$3" > "x-$1"
    chmod 755 "x-$1"
    mkdir -p /etc/systemd/system
    cat > "/etc/systemd/system/$1.service" << END
[Unit]
DefaultDependencies=false
Before=sysinit.target shutdown.target
Conflicts=shutdown.target
RequiresMountsFor=$PWD/age.txt

[Service]
Type=oneshot
RemainAfterExit=true
Environment=SOPS_RESTART_UNITS_VIA_SYSTEMCTL=1
ExecStart=$PWD/x-$1
END
}

# Runs the script of a unit, as systemd would: NAME.
start() {
    SOPS_RESTART_UNITS_VIA_SYSTEMCTL=1 "./x-$1" > "said-$1" 2>&1 || :
}

# Makes all times those of one moment: the 24th of November 2025.
at_one_time() {
    for link in /run/secrets /run/secrets-for-users; do
        [ ! -L $link ] || touch -h -d @1764000000 $link
        [ ! -e $link.d/.last-run.json ] || sed -i 's/"time":[0-9]*/"time":1764000000/g' $link.d/.last-run.json
    done
}

# A host on which all is well: the unit, its key, a sops file, and what the unit has installed.
healthy() {
    cp "$KEYS/age.txt" .
    cp "$FILES/nesting.json" db.json
    unit sops-nix "" manifest.json
    start sops-nix
    at_one_time
}

# A host in its first boot, in which it had no key. A unit has left a mark that says so.
keyless() {
    cp "$FILES/nesting.json" db.json
    mkdir -p lib /run/sops-nix-first-boot
    unit sops-nix "" manifest.json
    printf '%s\n' "no secret was installed in the first boot of this host, because it had no key: $PWD/lib/age.txt was not there" \
        "make a key, add the recipient that sops-nix keys then prints to .sops.yaml, run sops updatekeys for its files, and switch" \
        > /run/sops-nix-first-boot/no-key-yet
}
