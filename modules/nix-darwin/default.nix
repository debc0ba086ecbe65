# The path that users of sops-nix without flakes import.
import ../../nix/no-darwin.nix
