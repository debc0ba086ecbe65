# Whether a file is in the Nix store. There it never changes: another content is another path, and so another manifest.
{ lib }:

file: builtins.isPath file || lib.hasPrefix "${builtins.storeDir}/" "${file}"
