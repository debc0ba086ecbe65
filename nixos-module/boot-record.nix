# Where the activation scripts leave what became of the secrets at boot, for sops-nix.service to show.
rec {
  directory = "/run/sops-nix";
  status = phase: "${directory}/status${phase.suffix}";
  log = phase: "${directory}/log${phase.suffix}";
}
