# The script that makes the age identity file which `sops.age.keyFile` names, unless there is one.
{
  lib,
  pkgs,
  cfg,
}:

let
  keyFile = toString cfg.age.keyFile;
in
pkgs.writeShellScript "sops-nix-generate-age-key" ''
  export PATH='${lib.makeBinPath [ pkgs.coreutils ]}'
  key=${lib.escapeShellArg keyFile}
  [ -e "$key" ] && exit 0

  set -e
  echo "generating the age key of this machine: $key"
  mkdir -p -m 0700 "$(dirname "$key")"
  # A key that a power cut left half-written would be taken for a key for ever: it gets its name when it is whole and on the disk.
  rm -f "$key.new"
  # age-keygen makes the file with mode 0600 and prints the public key.
  ${pkgs.age}/bin/age-keygen -o "$key.new"
  sync "$key.new"
  mv -nT "$key.new" "$key"
''
