# Configurations that cannot be evaluated, each with a part of the message that must be shown: name → { message, value }.
{
  lib ? import ./find-lib.nix,
}:

let
  pkgs = import ./stand-ins/pkgs.nix { inherit lib; };
  render = import ./render.nix { inherit lib; };
  manifests =
    module:
    let
      results = import ./evaluate-nixos.nix { inherit lib pkgs render; } {
        imports = [ module ];
        services.openssh.enable = true;
      };
    in
    results."manifest.json"
    + results."manifest-for-users.json"
    + results."manifest-for-file-systems.json"
    + results."sops-nix.service";

  fails = message: module: {
    inherit message;
    value = manifests module;
  };
  failsWith =
    message: options:
    fails message {
      sops = {
        defaultSopsFile = ./files/secrets.yaml;
        secrets."db/password" = { };
      }
      // options;
    };
in
{
  key-file-in-the-store =
    failsWith "`sops.age.keyFile' is not of type `null or path outside the Nix store'"
      {
        age.keyFile = "${builtins.storeDir}/00000000000000000000000000000000-key.txt";
      };
  key-file-that-is-no-path =
    failsWith "`sops.age.keyFile' is not of type `null or path outside the Nix store'"
      { age.keyFile = [ ]; };
  key-credential-that-is-a-path =
    failsWith
      "`sops.age.keyCredential' is not of type `null or name of a systemd credential (letters, digits, - _ . @ +)'"
      {
        age.keyCredential = "/run/credstore/key";
      };
  transform-that-is-unknown =
    failsWith
      "is not of type `null or \"base64-decode\", \"sha512-crypt\", \"yescrypt\" or \"htpasswd:USER\"'"
      {
        secrets."db/password".transform = "bcrypt";
      };
  key-credential-without-a-name = failsWith "`sops.age.keyCredential' is not of type" {
    age.keyCredential = "";
  };
  key-credential-that-is-a-directory = failsWith "`sops.age.keyCredential' is not of type" {
    age.keyCredential = "..";
  };
  # The unit would get every credential that the pattern matches.
  key-credential-that-is-a-pattern = failsWith "`sops.age.keyCredential' is not of type" {
    age.keyCredential = "sops*";
  };
  unit-without-a-type =
    failsWith "`sops.after.\"[definition 1-entry 1]\"' is not of type `name of a unit, with its type'"
      {
        after = [ "pcscd" ];
      };
  no-room-for-a-secret = failsWith "`sops.maxSize' is not of type" { maxSize = 0; };
  no-time-for-a-key = failsWith "`sops.keyTimeout' is not of type" { keyTimeout = 0; };
  too-much-room = failsWith "integer between 1 and 1048576 (both inclusive)" { maxSize = 1048577; };
  too-much-time = failsWith "integer between 1 and 86400 (both inclusive)" { keyTimeout = 86401; };
  no-sops-file = fails "`sops.defaultSopsFile'" { sops.secrets."db/password" = { }; };
  unknown-owner-of-a-secret =
    failsWith
      ''sops.secrets."db/password".owner is nobody-here, but users.users has no such user to take the group from: set sops.secrets."db/password".group''
      { secrets."db/password".owner = "nobody-here"; };
  unknown-owner-of-a-template =
    failsWith
      "sops.templates.motd.owner is nobody-here, but users.users has no such user to take the group from: set sops.templates.motd.group"
      {
        templates.motd = {
          content = "x";
          owner = "nobody-here";
        };
      };
  unknown-format = failsWith ''`sops.secrets."db/password".format' is not of type'' {
    secrets."db/password".format = "toml";
  };
  unknown-default-format = failsWith "`sops.defaultSopsFormat' is not of type" {
    defaultSopsFormat = "toml";
  };
  unknown-log = failsWith "`sops.log.\"[definition 1-entry 1]\"' is not of type" {
    log = [ "everything" ];
  };
  negative-generations = failsWith "`sops.keepGenerations' is not of type" { keepGenerations = -1; };
  unknown-option = failsWith "The option `sops.age.keyfile' does not exist" { age.keyfile = "/key"; };
  secrets-directory-is-fixed = failsWith "`sops.secretsDir' is read-only" {
    secretsDir = "/secrets";
  };
  file-systems-directory-is-fixed = failsWith "`sops.secretsForFileSystemsDir' is read-only" {
    secretsForFileSystemsDir = "/s";
  };
  users-directory-is-fixed = failsWith "`sops.secretsForUsersDir' is read-only" {
    secretsForUsersDir = "/s";
  };
  rendered-directory-is-fixed = failsWith "`sops.renderedDir' is read-only" {
    renderedDir = "/r";
    templates.motd.content = "x";
  };
  filters-of-a-placeholder-that-is-set =
    fails "sops.placeholder.\"db/password\" is set, so it has no filters"
      (
        { config, ... }:
        {
          sops.secrets."db/password".sopsFile = ./files/secrets.yaml;
          sops.placeholder."db/password" = "@password@";
          sops.templates.motd.content = config.sops.filtered."db/password".json;
        }
      );
  indentation-of-no-spaces = fails "indent takes a number of spaces from 1 to 99" (
    { config, ... }:
    {
      sops.secrets."db/password".sopsFile = ./files/secrets.yaml;
      sops.templates.motd.content = config.sops.filtered."db/password".indent 0;
    }
  );
  filters-are-fixed = fails "`sops.filtered' is read-only" (
    { config, ... }:
    {
      sops.filtered = { };
      sops.templates.motd.content = toString (builtins.attrNames config.sops.filtered);
    }
  );
  template-name-of-two-lines = failsWith "`sops.templates.t.name' is not of type" {
    templates.t = {
      name = "a\nb";
      content = "x";
    };
  };
}
