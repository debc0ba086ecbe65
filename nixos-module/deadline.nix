# How many seconds a unit gives the installer: more than all parts of a run may take together. The installer limits each part itself. If a run takes
# longer all the same, something unforeseen went wrong, and it must not block the boot for ever.
# `src/system/budget.rs` has the same figures; a test compares them.
{
  # How many seconds a program may take for one answer about a key.
  keyTimeout,
  # Whether templates have checks.
  hasChecks,
}:

let
  # All sops files.
  files = 90;
  # All programs that hold keys, as a multiple of `keyTimeout`.
  programs = 2;
  # All key files.
  keyFiles = 15;
  # All files of templates.
  templateFiles = 15;
  # Waiting for another run.
  lock = 60;
  # All requests to systemd.
  requests = 60;
  # The checks of all templates. Before them, the run waits for another run once more.
  checks = 60;
  # Writing secrets, on a slow machine.
  rest = 30;
in
files
+ programs * keyTimeout
+ keyFiles
+ templateFiles
+ lock
+ requests
+ rest
+ (if hasChecks then checks + lock else 0)
