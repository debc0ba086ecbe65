# The home-manager module, under the path that users of sops-nix without flakes import.
import ../../home-module
