"""Prints the variables that systemd reads from a file of EnvironmentFile=, each with a NUL behind it.

The functions are those of systemd itself, in the library that its programs share. So no systemd has to run. What the manager does
after reading, `load_environment` in exec-invoke.c: it leaves out each variable that is not valid."""

import ctypes
import glob
import sys

LIBRARIES = "/usr/lib/*/systemd/libsystemd-shared-*.so", "/usr/lib/systemd/libsystemd-shared-*.so"

library = next((path for pattern in LIBRARIES for path in glob.glob(pattern)), None)
if library is None:
    sys.exit("no libsystemd-shared")
systemd = ctypes.CDLL(library)
variables = ctypes.POINTER(ctypes.c_char_p)()
outcome = systemd.load_env_file(None, sys.argv[1].encode(), ctypes.byref(variables))
if outcome < 0:
    sys.exit(f"systemd refuses the file: error {-outcome}")
position = 0
while variables and (variable := variables[position]) is not None:
    if systemd.env_assignment_is_valid(variable):
        sys.stdout.buffer.write(variable + b"\0")
    position += 1
