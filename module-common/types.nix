# Option types that the NixOS module and the home-manager module share.
{ lib }:

{
  # Everybody can read the store, so a private key in it is no secret. Such a path is refused before anything uses it.
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

  # The name is written into unit files and paths, so only characters without a special meaning there are allowed.
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

  # Placeholders are strings; anything that converts to a string is accepted.
  coercibleToString = lib.mkOptionType {
    name = "coercibleToString";
    description = "value that can be turned into a string";
    check = lib.strings.isConvertibleWithToString;
    merge = lib.mergeEqualOption;
  };

  # For which reader a file of environment variables is written.
  envForm = lib.types.enum [
    "systemd-env"
    "docker-env"
    "dotenv"
    "sh"
  ];

  # In which form a part of a sops file is written.
  partForm = lib.types.enum [
    "value"
    "json"
    "yaml"
    "lines"
    "systemd-env"
    "docker-env"
    "dotenv"
    "sh"
  ];

  # What a value is transformed into. The program says what is wrong with the name of a user.
  transform = lib.mkOptionType {
    name = "transform";
    description = ''"base64-decode", "sha512-crypt", "yescrypt" or "htpasswd:USER"'';
    descriptionClass = "noun";
    check =
      transform:
      lib.isString transform
      && builtins.match "base64-decode|sha512-crypt|yescrypt|htpasswd:[^:]+" transform != null;
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
