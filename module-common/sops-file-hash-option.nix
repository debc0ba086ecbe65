# The option with the hash of the encrypted file of a secret. `use` says what it is for.
{ lib, cfg }:

secret: use:
let
  isMissing = import ./is-missing.nix { inherit lib; };
  isKnown =
    cfg.enable && cfg.validateSopsFiles && !cfg.mock && !(secret.optional && isMissing secret.sopsFile);
in
lib.mkOption {
  type = lib.types.str;
  readOnly = true;
  default = lib.optionalString isKnown (builtins.hashFile "sha256" secret.sopsFile);
  defaultText = lib.literalMD "SHA-256 of `sopsFile`; empty when `sops.validateSopsFiles` or `sops.enable` is off, `sops.mock` is on, or an optional file is missing";
  description = "Hash of the encrypted file${use}.";
}
