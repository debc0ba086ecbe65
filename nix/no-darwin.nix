# Stands for the nix-darwin module until there is one: who imports it reads why.
_:
throw "this project has no module for nix-darwin: keep sops-nix as an input of its own for the Macs, and import its darwinModules.sops there"
