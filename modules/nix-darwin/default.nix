# The nix-darwin module, under the path that users of sops-nix without flakes import.
import ../../darwin-module
