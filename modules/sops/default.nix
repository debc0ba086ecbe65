# The NixOS module, under the path that users of sops-nix without flakes import.
import ../../nixos-module
