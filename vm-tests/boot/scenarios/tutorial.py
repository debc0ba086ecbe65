"""docs/tutorial.md: its commands are carried out as they stand, on a terminal of a host that boots, and what they print is compared with the page."""

import dataclasses
import os
import re
import shlex
import shutil
import subprocess
import time

import machine as machines
from clients import clients
from configuration import boot_into, install_client, keep, prepare
from payload import PROJECT, Files

PAGE = PROJECT / "docs/tutorial.md"

# A STAND-IN for nix, because the machine has neither a store with nixpkgs nor a network: the two programs are there already.
NIX = """#!/bin/bash
[ "$*" = "shell nixpkgs#sops /root/sops-nix" ] && [ -e /root/sops-nix/flake.nix ] || { echo "the test knows no: nix $*" >&2; exit 1; }
ln -s /test/programs/* /test/bin/
"""

# A STAND-IN for nixos-rebuild: tests/nix has evaluated the flake of the page (expected/page-tutorial-flake). Like a flake, it takes only files that git
# knows, and puts the sops file into the store; like the build, it has the program look at the manifest.
NIXOS_REBUILD = """#!/bin/bash
set -eu
[ "$*" = "switch --flake .#machine" ] || { echo "the test knows no: nixos-rebuild $*" >&2; exit 1; }
git ls-files --error-unmatch configuration.nix hardware-configuration.nix flake.nix secrets.nix secrets.yaml > /dev/null
top=/system/machine-$(date +%s%N)
file=/nix/store/$(sha256sum < secrets.yaml | cut -c -32)-secrets.yaml
cp -a /system/evaluated "$top"
cp secrets.yaml "$file"
find "$top" -type f -exec sed -i "s#/system/evaluated#$top#g; s#/test/files/secrets.yaml#$file#g" {} +
/test/sops-install-secrets -check-mode=sopsfile "$top/manifest.json"
"$top/bin/switch-to-configuration" "$1"
"""

# Stands for a person who replaces what is in the editor.
EDITOR = "#!/bin/bash\ncat /test/typed > \"$1\"\n"

# One step, in the directory where the one before it has ended.
SCRIPT = """export PATH=/test/bin:/usr/bin:/usr/sbin HOME=/root TERM=xterm EDITOR=/test/editor SYSTEMD_PAGER=cat
set -e
cd "$(cat /run/tutorial 2> /dev/null || echo /)"
{commands}
pwd > /run/tutorial
"""


def tell(lab):
    blocks = blocks_of(PAGE.read_text())
    lab.secret(next(text for kind, _, text in blocks if kind == "yaml").split(": ")[1].strip())
    for client, code in clients().items():
        machine = lab.container(client)
        machine.start(host(lab, client, code), init="/system/before/stage-2")
        with lab.scenario("24", f"the tutorial, {client}: from an empty directory to a service that starts anew with a changed secret, all is printed as on the page"):
            machine.wait_for_shell()
            # The machine that this one is a copy of may have keys.
            machine.succeed("rm -rf /root/.config/sops /root/machine /root/sops-nix /etc/ssh/ssh_host_*")
            follow(machine, blocks)
            assert machine.succeed("systemctl --failed --plain --no-legend") == ""
            journal = machine.journal()
            assert "AGE-SECRET-KEY" not in journal and not [text for text in lab.plaintexts if text in journal]
        machine.cut_power()


def follow(machine, blocks):
    """Does what the page says, block after block."""
    step, counts = Step("", ""), dict.fromkeys(["sh", "nix", "text", "yaml"], 0)
    for at, (kind, name, text) in enumerate(blocks):
        counts[kind] += 1
        if kind == "sh":
            if "sops edit" in text:
                write(machine, "/test/typed", next(text for kind, _, text in blocks[at:] if kind == "yaml"))
            step = on_a_terminal(machine, text.replace("git clone ADDRESS ", "git clone /test/project "))
        elif kind == "nix" and name:
            write(machine, f"/root/machine/{name}", text)
        elif kind == "text":
            compare(machine, step, text)
    # Somebody has followed all of it, and not a page whose blocks have other names.
    assert counts["sh"] > 9 and counts["text"] > 4 and counts["yaml"] == 1, counts
    words = "".join(text for _, _, text in blocks)
    assert words.count("ADDRESS") == 1, "the test replaces only one word"


@dataclasses.dataclass
class Step:
    """A block of commands, and what it has printed."""

    commands: str
    printed: str


def compare(machine, step, text):
    """Compares what was printed with the page. What a service has said may get to the journal a moment later."""
    is_there = lambda: re.fullmatch(pattern(text), step.printed.strip() + "\n")
    deadline = time.monotonic() + machines.PATIENCE
    while not is_there() and step.commands.startswith("journalctl ") and time.monotonic() < deadline:
        step = on_a_terminal(machine, step.commands)
    assert is_there(), f"the page has:\n{text}\nprinted was:\n{step.printed}"


def blocks_of(page):
    """The blocks of the page: the word after the fence, the name of the file that the block is to be written to, the text."""
    found = re.finditer(r"^```(\w+)[^\n]*\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    blocks, end = [], 0
    for block in found:
        name = re.search(r"Write this to `([^`]+)`", page[end:block.start()])
        blocks.append((block[1], name[1] if name else "", block[2]))
        end = block.end()
    return blocks


def pattern(text):
    """What may be printed for a block: three dots stand for anything in their line, and alone in a line for any lines."""
    lines = ["(?:.*\n)*" if line.strip() == "…" else re.escape(line).replace("…", ".*") + " *\n" for line in text.strip().splitlines()]
    return "".join(lines)


def on_a_terminal(machine, commands):
    """What commands print on a terminal. They have to succeed."""
    write(machine, "/test/step", SCRIPT.replace("{commands}", commands))
    printed = machine.succeed("journalctl --sync; script --quiet --return --flush --command 'bash /test/step' /dev/null < /dev/null", patience=300)
    # A unit that is restarted by request is waited for.
    machine.wait_until("[ -z \"$(systemctl list-jobs --no-legend)\" ]")
    return Step(commands, re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]|\r", "", printed))


def write(machine, path, text):
    machine.succeed(f"printf %s {shlex.quote(text)} > {path}")


def host(lab, name, client):
    """The files of a host that has no secrets yet, and of the configuration that it will switch to; returns where they are."""
    host = Files(lab.directory / f"{name}-host")
    prepare(host)
    keep(host, "before")
    evaluated = lab.payload("page-tutorial-flake", f"{name}-evaluated")
    prepare(evaluated)
    for script in evaluated.test.glob("*.sh"):
        script.write_text(script.read_text().replace("/test/program", "/test/sops-install-secrets"))
    keep(evaluated, "evaluated", host)
    boot_into(host, "before")
    install_client(host, client)
    shutil.copy(evaluated.test / "program", host.test / "sops-install-secrets")
    shutil.copy(evaluated.test / "unit-script-hello-script.sh", host.test)
    for path, text in [("bin/nix", NIX), ("bin/nixos-rebuild", NIXOS_REBUILD), ("editor", EDITOR)]:
        host.write(f"test/{path}", text, 0o755)
    programs = host.test / "programs"
    programs.mkdir()
    subprocess.run(["strip", "-o", programs / "sops-nix", machines.program().with_name("sops-nix")], check=True)
    shutil.copy(shutil.which(os.environ.get("SOPS") or "sops"), programs / "sops")
    for name in ["configuration.nix", "hardware-configuration.nix"]:
        host.write(f"etc/nixos/{name}", "{ }\n")
    # What is cloned. Only one of its files is looked for.
    project = host.test / "project"
    project.mkdir()
    shutil.copy(PROJECT / "flake.nix", project)
    git = ["git", "-C", str(project), "-c", "user.name=test", "-c", "user.email=test@example.org"]
    for command in [["init", "--quiet"], ["add", "flake.nix"], ["commit", "--quiet", "--message", "the project"]]:
        subprocess.run([*git, *command], check=True)
    return host.root
