# Files in which scripts keep something for units: the status and the messages of the boot, which sops-nix.service shows, and the units that had failed before
# a switch, after the number of its process, which `src/install/units/switch.rs` reads.
rec {
  directory = "/run/sops-nix";
  status = phase: "${directory}/status${phase.suffix}";
  failedUnits = "${directory}/failed-units";
  log = phase: "${directory}/log${phase.suffix}";
}
