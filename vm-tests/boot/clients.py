"""What a host is switched by: NixOS's own switch-to-configuration, if it is named, and a stand-in for it."""

import os
import pathlib

STAND_IN = pathlib.Path(__file__).resolve().parent / "stand_in.py"
# The files with the lists of the activation. From NixOS 26.11 on, the real client will not read them any more. A client that looks
# for lists under other names, of the same length, reads no lists.
NO_LISTS = {b"/run/nixos/activation-re": b"/run/nixos/forgotten!-re", b"/run/nixos/dry-activation-re": b"/run/nixos/dry-forgotten!-re"}
STAND_IN_NO_LISTS = {b"READS_LISTS = True": b"READS_LISTS = False"}


def clients() -> dict[str, bytes]:
    """What to switch with. The stand-in is always there."""
    found = {"stand-in": STAND_IN.read_bytes()}
    named = os.environ.get("SWITCH_TO_CONFIGURATION")
    if named:
        found["switch-to-configuration"] = pathlib.Path(named).read_bytes()
    else:
        print("SKIPPED: the switches by the real switch-to-configuration, which SWITCH_TO_CONFIGURATION does not name (README.md)", flush=True)
    return found


def without_lists(client: bytes) -> bytes:
    """The client as it will be when it has stopped to read lists."""
    for old, new in (STAND_IN_NO_LISTS if client.startswith(b"#!") else NO_LISTS).items():
        assert old in client, "this client reads no lists"
        client = client.replace(old, new)
    return client
