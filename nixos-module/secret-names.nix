# Whether a text of the configuration names a secret of the regular phase by its path: one in the directory of secrets, or a declared path.
{ cfg, lib }:

let
  inherit (import ./needs.nix { inherit lib; }) isRegular;

  # What goes on after the path of a file makes it that of another: `/etc/key2` is not `/etc/key`. Of a directory with its slash, everything below it is meant.
  longer =
    path:
    lib.optionals (!lib.hasSuffix "/" path) (
      map (character: path + character) (
        lib.stringToCharacters "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.+@"
      )
    );

  # Where a longer path begins, it is found first and stays as it is.
  # Not `lib.hasInfix`: its regular expression overflows the stack on a long text.
  names =
    text: path: builtins.replaceStrings (longer path ++ [ path ]) (longer path ++ [ "" ]) text != text;
in
rec {
  # The first comparison is the fast one, with all paths at once.
  namesAny =
    paths: text:
    builtins.replaceStrings paths (map (_: "") paths) text != text && lib.any (names text) paths;

  namesSecret = namesAny (
    lib.unique (
      [ "${cfg.secretsDir}/" ]
      ++ map (entry: entry.path) (
        lib.filter isRegular (lib.attrValues cfg.secrets ++ lib.attrValues cfg.templates)
      )
    )
  );
}
