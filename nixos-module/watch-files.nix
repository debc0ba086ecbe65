# Where the files lie that are written when secrets change, for programs that watch.
rec {
  # The file of a phase, whose secrets are in `directory`.
  ofPhase = directory: "/run/sops-nix/changed/${baseNameOf directory}";

  # The file of a secret, or of a template, whose place below `directory` is `place`.
  ofEntry = directory: place: "${ofPhase directory}.d/${place}";
}
