"""Secrets in the homes of users who are made at this boot, before systemd-tmpfiles has made the homes and after it."""

from payload import value

# bob's home is made while /home does not exist yet.
HOMES = {"alice": "/home/alice", "bob": "/var/lib/bob"}
USERS = """u alice 1000 - /home/alice /bin/bash
u bob 1001 - /var/lib/bob /bin/bash
"""
# A new NixOS has no /home. It is removed before any unit of ours starts.
NO_HOME = """DefaultDependencies=no
After=systemd-remount-fs.service
Before=sops-nix-for-users.service
[Service]
Type=oneshot
RemainAfterExit=true
ExecStart=/bin/rmdir /home
"""
BOBS_HOME = """DefaultDependencies=no
After=systemd-sysusers.service
Before=sops-nix.service
[Service]
Type=oneshot
RemainAfterExit=true
ExecStart=/bin/systemd-tmpfiles --create /etc/tmpfiles.d/bob.conf
"""


def tell(lab):
    texts = {user: lab.secret(value(user)) for user in ["alice", "bob"]}
    payload = lab.payload("secrets-in-homes")
    file = payload.encrypt("secrets.yaml", texts)
    payload.manifest("manifest.json", [payload.secret(user, file, owner=user, group=user, path=f"{home}/.config/app/token") for user, home in HOMES.items()])
    payload.early_manifest([payload.secret("early", file, key="alice")])
    payload.write("etc/sysusers.d/test.conf", USERS)
    payload.drop_in("systemd-sysusers.service", "[Unit]\nConditionNeedsUpdate=\n")
    for user, home in HOMES.items():
        payload.write(f"etc/tmpfiles.d/{user}.conf", f"d {home} 0700 {user} {user} -\n")
    payload.service("no-home", NO_HOME, "sysinit.target")
    payload.service("bobs-home", BOBS_HOME, "sysinit.target")
    payload.drop_in("sops-nix.service", "[Unit]\nBefore=systemd-tmpfiles-setup.service\n")
    machine = lab.machine()
    machine.start(payload.archive())

    with lab.scenario("15", "secrets in homes that are yet to be made, at the first boot of their users: all in a home is its user's"):
        machine.wait_for_shell()
        machine.succeed("systemctl is-system-running --wait")
        for user, text in texts.items():
            home = HOMES[user]
            said = machine.succeed(f"cd {home} && stat -c '%U:%G' . .config .config/app .config/app/token")
            assert said.splitlines() == [f"{user}:{user}"] * 4, said
            assert machine.succeed(f"stat -c %a {home}; setpriv --reuid={user} --clear-groups cat {home}/.config/app/token") == f"700\n{text}"
        assert machine.succeed("stat -c '%U %a' /home") == "root 755"
        assert "ordering cycle" not in machine.journal()
        machine.shut_down()
