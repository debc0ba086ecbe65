# The files in which activation scripts keep the status and the messages of the boot, for sops-nix.service to show.
rec {
  directory = "/run/sops-nix";
  status = phase: "${directory}/status${phase.suffix}";
  log = phase: "${directory}/log${phase.suffix}";
}
