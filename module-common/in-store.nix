# Whether a file is in the Nix store. A file in the store never changes: another content has another path, and so the manifest
# changes too.
{ lib }:

file: builtins.isPath file || lib.hasPrefix "${builtins.storeDir}/" "${file}"
