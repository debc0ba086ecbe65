"""Makes system calls behind a filter and tells how each ended: 0, or the number of the error.

usage: probe.py FILTER CALL…

FILTER is a file with a program of seccomp(2), or `-` for no filter. CALL is NUMBER or NUMBER:ARGUMENT:…, with up to six arguments.
An argument in single quotes is a text, and any other argument is a number.
"""

import ctypes
import os
import sys

PR_SET_SECCOMP = 22
PR_SET_NO_NEW_PRIVS = 38
SECCOMP_MODE_FILTER = 2

libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long


class Program(ctypes.Structure):
    """`struct sock_fprog`."""

    _fields_ = [("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p)]


def install(path):
    """Puts the filter in place, for good."""
    with open(path, "rb") as file:
        code = file.read()
    program = Program(len(code) // 8, code)
    assert libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
    assert libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.byref(program), 0, 0) == 0


def argument(text):
    """A number, or a pointer to a text."""
    if text.startswith("'"):
        return ctypes.c_char_p(text.strip("'").encode())
    return ctypes.c_ulong(int(text, 0) & (1 << 64) - 1)


def ended(call):
    """Makes one call."""
    number, *arguments = call.split(":")
    values = [argument(text) for text in arguments]
    result = libc.syscall(ctypes.c_long(int(number)), *values)
    return ctypes.get_errno() if result == -1 else 0


filter_file, *calls = sys.argv[1:]
# The flush comes before the filter, because the filter may forbid what the flush needs.
sys.stdout.flush()
if filter_file != "-":
    install(filter_file)
results = []
for one in calls:
    ctypes.set_errno(0)
    results.append(ended(one))
os.write(1, " ".join(map(str, results)).encode())
os._exit(0)
