# The name of the unit that asks key services once the network is there. The program knows it, too (`src/program/again.rs`).
rec {
  name = "sops-nix-online";
  unit = "${name}.service";
}
