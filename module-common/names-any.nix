# Whether a text names one of several files by their paths. A path that ends with a slash stands for everything below a directory.
{ lib }:

let
  # The paths that begin with this path and one more character, and name another file: `/etc/key2` is not `/etc/key`.
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
# The first comparison is fast, because it looks for all paths at once.
paths: text:
builtins.replaceStrings paths (map (_: "") paths) text != text && lib.any (names text) paths
