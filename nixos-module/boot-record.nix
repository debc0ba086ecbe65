# Files that scripts write and units read: the exit status and the messages of the installation at boot, which sops-nix.service shows; and the names of the
# units that had failed before a switch, after the process number of that switch, which `src/install/units/switch.rs` reads.
rec {
  directory = "/run/sops-nix";
  status = phase: "${directory}/status${phase.suffix}";
  failedUnits = "${directory}/failed-units";
  log = phase: "${directory}/log${phase.suffix}";
}
