# The text of a template: `content`, kept in a store file, or the file that the user named.
{ lib, pkgs }:

rec {
  # The store file that stands for `content`, and the default of `file`. A template's name may have directories in it, a store path may not.
  storeFile =
    template:
    pkgs.writeText (lib.strings.sanitizeDerivationName (baseNameOf template.name)) template.content;

  # Whether `file` is the user's.
  hasOwnFile = template: "${template.file}" != "${storeFile template}";
}
