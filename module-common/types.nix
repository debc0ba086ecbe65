# Option types that the NixOS module and the home-manager module share.
{ lib }:

{
  # A private key that ends in the world-readable store is no secret any more, so such a path is refused before it is used.
  pathNotInStore = lib.mkOptionType {
    name = "pathNotInStore";
    description = "path outside the Nix store";
    descriptionClass = "noun";
    check =
      path:
      lib.isStringLike path
      && !lib.path.hasStorePathPrefix (/. + builtins.unsafeDiscardStringContext (toString path));
    merge = lib.mergeEqualOption;
  };

  # It stands in unit files and in paths: no character of it means anything there.
  credentialName = lib.mkOptionType {
    name = "credentialName";
    description = "name of a systemd credential (letters, digits, - _ . @ +)";
    descriptionClass = "noun";
    check =
      name:
      lib.isString name
      && builtins.match "[A-Za-z0-9_.@+-]{1,255}" name != null
      && name != "."
      && name != "..";
    merge = lib.mergeEqualOption;
  };

  # Placeholders are strings, but whatever turns into one may be given.
  coercibleToString = lib.mkOptionType {
    name = "coercibleToString";
    description = "value that can be turned into a string";
    check = lib.strings.isConvertibleWithToString;
    merge = lib.mergeEqualOption;
  };

  format = lib.types.enum [
    "yaml"
    "json"
    "binary"
    "dotenv"
    "ini"
  ];
}
