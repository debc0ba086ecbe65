"""Configurations of a NixOS-like host: a directory for each, with what switch-to-configuration and the boot look at."""

import pathlib
import re
import shutil

from payload import Files, Payload

# The snippets of the modules, in the order of their dependencies.
SNIPPETS = ["generate-age-key", "setupSecretsForUsers", "setupSecrets"]

# Replaces the activation script of NixOS: links /etc, and runs the snippets.
ACTIVATE = """#!/bin/bash
export PATH=/usr/bin:/usr/sbin
systemConfig={path}
status=0
[ "$NIXOS_ACTION" = dry-activate ] || ln -sfn "$systemConfig/etc/systemd/system" /etc/systemd/system
for snippet in {snippets}; do
  [ -e "$systemConfig/$snippet.snippet" ] || continue
  [ "$NIXOS_ACTION" != dry-activate ] || grep -q '^# dry activation: true' "$systemConfig/$snippet.snippet" || continue
  . "$systemConfig/$snippet.snippet" || { status=$?; echo "Activation script snippet '$snippet' failed ($status)"; }
done
[ "$NIXOS_ACTION" = dry-activate ] || ln -sfn "$systemConfig" /run/current-system
exit $status
"""

# Replaces the checks of NixOS before a switch.
CHECKS = """#!/bin/bash
for check in "${0%/*}"/*.check; do [ ! -e "$check" ] || ( . "$check" "$@" ) || exit 1; done
"""

# Passes to switch-to-configuration what it has to know, as NixOS does.
SWITCH = """#!/bin/bash
export OUT={path} TOPLEVEL={path} DISTRO_ID=nixos PRE_SWITCH_CHECK={path}/checks INSTALL_BOOTLOADER=/test/bootloader SYSTEMD=/ LOCALE_ARCHIVE=
exec /test/client "$@"
"""

# Replaces stage 2 of NixOS.
STAGE_2 = """#!/bin/bash
{path}/activate
exec /lib/systemd/systemd
"""


def prepare(payload: Files) -> None:
    """The units that each configuration has."""
    (payload.units / "default.target").symlink_to("multi-user.target")
    # These units would look for the network of this machine.
    for unit in ["networking", "systemd-networkd", "systemd-resolved"]:
        (payload.units / f"{unit}.service").symlink_to("/dev/null")
    # As in NixOS, a switch starts the units that this target wants.
    shutil.copy("/lib/systemd/system/multi-user.target", payload.units)


def install_client(payload: Files, client: bytes) -> None:
    """What switches the host, and what that looks for."""
    payload.write("etc/NIXOS", "")
    payload.write("nix/store/.keep", "")
    payload.write("test/bootloader", "#!/bin/bash\necho \"$1\" >> /run/bootloader\n", 0o755)
    payload.write("test/client", "", 0o755)
    (payload.test / "client").write_bytes(client)


def keep(payload: Payload, name: str, host: Payload | None = None) -> None:
    """Keeps the scripts, manifests and units that a payload has now as a configuration of a host, which is the payload's own if no other is given."""
    host = host or payload
    top, path = host.root / "system" / name, f"/system/{name}"
    shutil.copytree(payload.units, top / "etc/systemd/system", symlinks=True)
    for file in payload.test.iterdir():
        if file.suffix in [".sh", ".snippet", ".check", ".json"]:
            shutil.copy(file, top)
    for file in [*top.glob("*.*"), *top.glob("etc/systemd/system/*.service")]:
        if not file.is_symlink():
            file.write_text(re.sub(r"/test/((sops-nix|manifest)[a-z-]*[.](sh|json))", rf"{path}/\1", file.read_text()))
    write_scripts(host, name)


def write_scripts(host: Files, name: str, snippets: list[str] = SNIPPETS) -> None:
    """What boots, activates and switches to a configuration that has its units and snippets already."""
    top, path = host.root / "system" / name, f"/system/{name}"
    (top / "sw").symlink_to("/usr")
    (top / "etc/systemd/system.conf").symlink_to("/etc/systemd/system.conf")
    host.write(f"system/{name}/init-interface-version", "systemd 2\n")
    for script, text in [("activate", ACTIVATE), ("dry-activate", ACTIVATE), ("checks", CHECKS), ("bin/switch-to-configuration", SWITCH), ("stage-2", STAGE_2)]:
        host.write(f"system/{name}/{script}", text.replace("{path}", path).replace("{snippets}", " ".join(snippets)), 0o755)


def boot_into(payload: Files, name: str) -> None:
    """Makes a configuration that is kept the one in which the host boots, by its `stage-2`."""
    shutil.rmtree(payload.units)
    payload.units.symlink_to(f"/system/{name}/etc/systemd/system")
