# Whether a text of the configuration names a secret of the regular phase by its path: one in the directory of secrets, or a declared path.
{ cfg, lib }:

let
  inherit (import ./needs.nix { inherit lib; }) isRegular;
in
rec {
  # Not `lib.hasInfix`: its regular expression overflows the stack on a long text.
  namesAny = paths: text: builtins.replaceStrings paths (map (_: "") paths) text != text;

  namesSecret = namesAny (
    lib.unique (
      [ "${cfg.secretsDir}/" ]
      ++ map (entry: entry.path) (
        lib.filter isRegular (lib.attrValues cfg.secrets ++ lib.attrValues cfg.templates)
      )
    )
  );
}
