# The nix-darwin module, as long as there is none.
_:
throw "this project has no module for nix-darwin: keep sops-nix as an input of its own for the Macs, and import its darwinModules.sops there"
