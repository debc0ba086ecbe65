# The file of this name in the nixpkgs library.
if (builtins.tryEval <nixpkgs-lib>).success then
  import <nixpkgs-lib/lib/services/lib.nix>
else
  import <nixpkgs/lib/services/lib.nix>
