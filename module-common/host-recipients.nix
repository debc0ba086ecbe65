# The recipients of `sops.hostRecipients`, one for each line of a file.
{ lib, cfg }:

let
  linesOf = text: lib.filter isRecipient (map lib.trim (lib.splitString "\n" text));
  isRecipient = line: line != "" && !lib.hasPrefix "#" line;
  isFile = recipient: builtins.isPath recipient || lib.hasPrefix "/" recipient;
in
rec {
  lines = lib.concatMap (
    recipient: linesOf (if isFile recipient then builtins.readFile recipient else recipient)
  ) cfg.hostRecipients;

  # Those that are none: a private key must not get into the store. Keys of key services are named as in .sops.yaml.
  strange = lib.filter (
    line:
    builtins.match "age1[a-z0-9]+|ssh-(ed25519|rsa) .*|[0-9A-Fa-f ]{40,50}|arn:aws[^ ]*|https?://[^ ]+|projects/[^ ]+|[a-z0-9-]+:[0-9a-f-]{36}" line
    == null
  ) lines;
}
