# Seconds that a unit gives the installer: more than all parts of a run together may take, each of which is bounded by the installer itself. What
# takes longer has gone wrong in a way that nobody thought of, and must not hold up the boot for ever.
# `src/budget.rs` has the same figures; a test compares them.
{
  # Seconds that a program may take for one answer about a key.
  keyTimeout,
}:

let
  # All sops files.
  files = 90;
  # All programs that know keys, as a multiple of `keyTimeout`.
  programs = 2;
  # All key files.
  keyFiles = 15;
  # All files of templates.
  templateFiles = 15;
  # Waiting for another run.
  lock = 60;
  # systemd, for all requests.
  requests = 60;
  # Writing secrets, on a slow machine.
  rest = 30;
in
files + programs * keyTimeout + keyFiles + templateFiles + lock + requests + rest
