# Files that scripts write and units read: the exit status and the messages of the installation at boot, which sops-nix.service
# shows; and, for `src/install/units/switch.rs`, the process number of a switch with the names of the units that had failed before
# the switch. Everybody may pass through the directory, because the files for programs that watch are below it. Only root may list it.
rec {
  directory = "/run/sops-nix";
  status = phase: "${directory}/status${phase.suffix}";
  failedUnits = "${directory}/failed-units";
  log = phase: "${directory}/log${phase.suffix}";
}
