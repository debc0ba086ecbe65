# The text of a template: a store file with `content`, or the file that the user set.
{ lib, pkgs }:

rec {
  # The store file with `content`, which is the default of `file`. The name of a template may contain slashes, that of a store path may not.
  storeFile =
    template:
    pkgs.writeText (lib.strings.sanitizeDerivationName (baseNameOf template.name)) template.content;

  # Whether the user set `file`.
  hasOwnFile = template: "${template.file}" != "${storeFile template}";
}
