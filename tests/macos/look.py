#!/usr/bin/env python3
"""Looks into programs for macOS, on any machine: what they are for, and which libraries they need.

    tests/macos/look.py PROGRAM...

Prints a line for each program. Fails if a program needs a library other than libSystem, which every Mac has, or takes a function from
elsewhere. The format is that of <mach-o/loader.h> and <mach-o/nlist.h>.
"""

import struct
import sys
from pathlib import Path

MAGIC = 0xFEEDFACF  # 64 bits, little-endian
EXECUTE = 2
PROCESSORS = {0x0100000C: "arm64", 0x01000007: "x86_64"}
LIBSYSTEM = "/usr/lib/libSystem.B.dylib"

# Load commands. The bit `REQUIRED` says that the loader of macOS must know the command.
REQUIRED = 0x80000000
SYMBOLS = 0x2
LIBRARIES = {0xC: "library", 0x18 | REQUIRED: "weak library", 0x1F | REQUIRED: "re-exported library", 0x20: "lazy library", 0x23 | REQUIRED: "upward library"}
SIGNATURE = 0x1D
MAIN = 0x28 | REQUIRED
BUILD_VERSION = 0x32
RPATH = 0x1C | REQUIRED
MACOS = 1

# The kinds of symbols.
DEBUG = 0xE0
KIND = 0x0E
UNDEFINED = 0


def text_at(data, start):
    return data[start : data.index(b"\0", start)].decode()


def commands(data):
    """(kind, offset) of each load command."""
    count = struct.unpack_from("<I", data, 16)[0]
    offset = 32
    for _ in range(count):
        kind, size = struct.unpack_from("<II", data, offset)
        yield kind, offset
        offset += size


def undefined(data, offset):
    """(name, number of the library, from 1) of each symbol that the loader has to find."""
    symbols, count, texts, _ = struct.unpack_from("<IIII", data, offset + 8)
    for at in range(symbols, symbols + 16 * count, 16):
        name, kind, _, description, _ = struct.unpack_from("<IBBHQ", data, at)
        if not kind & DEBUG and kind & KIND == UNDEFINED:
            yield text_at(data, texts + name), description >> 8


def look(path):
    """(description, faults) of one program."""
    data = Path(path).read_bytes()
    magic, processor, _, kind = struct.unpack_from("<IIII", data)
    if magic != MAGIC or kind != EXECUTE:
        return "", ["is no program for macOS"]
    libraries, needed, version, is_signed, starts, faults = [], [], None, False, False, []
    for command, offset in commands(data):
        if command in LIBRARIES:
            libraries.append(text_at(data, offset + struct.unpack_from("<I", data, offset + 8)[0]))
        elif command == SYMBOLS:
            needed = list(undefined(data, offset))
        elif command == BUILD_VERSION:
            platform, least = struct.unpack_from("<II", data, offset + 8)
            version = f"{least >> 16}.{least >> 8 & 0xFF}" if platform == MACOS else None
        elif command == RPATH:
            faults.append("searches for libraries in a directory of its own")
        is_signed |= command == SIGNATURE
        starts |= command == MAIN
    faults += [f"needs {library}" for library in libraries if library != LIBSYSTEM]
    faults += [f"takes {name} from elsewhere" for name, library in needed if library not in range(1, len(libraries) + 1)]
    if LIBSYSTEM not in libraries or not needed:
        faults.append("does not use libSystem")
    if version is None or not starts:
        faults.append("does not say from which macOS on it starts")
    # The kernel of a Mac with an Apple processor starts no program without a signature. A linker makes one that names nobody.
    if PROCESSORS.get(processor) == "arm64" and not is_signed:
        faults.append("has no signature")
    return f"{PROCESSORS.get(processor)}, {len(data):,} bytes, macOS {version}, {len(needed)} functions of {', '.join(libraries)}", faults


def main():
    failed = False
    for path in sys.argv[1:]:
        description, faults = look(path)
        print(f"{path}: {description}")
        for fault in faults:
            print(f"FAILED: {path} {fault}")
        failed |= bool(faults)
    sys.exit(failed or len(sys.argv) < 2)


if __name__ == "__main__":
    main()
