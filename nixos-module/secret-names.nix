# Whether a text of the configuration names a secret of the regular phase by its path: one in the directory of secrets, or a declared path.
{ cfg, lib }:

let
  inherit (import ./needs.nix { inherit lib; }) isRegular;

  # The paths that begin with this path and one more character, and name another file: `/etc/key2` is not `/etc/key`. A path that
  # ends with a slash stands for everything below a directory, so it has none.
  longer =
    path:
    lib.optionals (!lib.hasSuffix "/" path) (
      map (character: path + character) (
        lib.stringToCharacters "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.+@"
      )
    );

  # `replaceStrings` looks for the longer paths first, and leaves them as they are. So only the path itself changes the text.
  # `lib.hasInfix` is not used, because its regular expression overflows the stack on a long text.
  names =
    text: path: builtins.replaceStrings (longer path ++ [ path ]) (longer path ++ [ "" ]) text != text;
in
rec {
  # The first comparison is fast, because it looks for all paths at once.
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
