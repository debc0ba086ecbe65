# Files of environment variables whose values are secrets. Each is a template, so this only writes its lines.
{
  config,
  lib,
  pkgs,
  ...
}:

let
  cfg = config.sops;
  templateText = import ./template-text.nix { inherit lib pkgs; };
  nameOf = lib.strings.escapeNixIdentifier;
  inherit (lib) types;
in
{
  options.sops.envFiles = lib.mkOption {
    type = types.attrsOf (types.attrsOf types.str);
    default = { };
    example = lib.literalExpression ''{ app = { DB_PASSWORD = "db/password"; }; }'';
    description = ''
      Files of environment variables, by name. For each variable, the name of the secret that is its value. Each file is the template
      `sops.templates.<name>`, where its path, owner, mode and units are options. It is written for `EnvironmentFile=` of systemd, if `as` does not say
      otherwise. Variables that are no secrets are lines of its `content`.
    '';
  };

  # A secret that is missing is told by an assertion.
  config.sops.templates = lib.mapAttrs (_: variables: {
    as = lib.mkDefault "systemd-env";
    content = lib.concatStrings (
      lib.mapAttrsToList (variable: secret: "${variable}=${cfg.placeholder.${secret} or ""}\n") variables
    );
  }) cfg.envFiles;

  config.assertions = lib.mapAttrsToList (name: _: {
    assertion = !templateText.hasOwnFile cfg.templates.${name};
    message = "sops.templates.${nameOf name}.file takes the place of all variables in sops.envFiles.${nameOf name}: remove one of the two.";
  }) cfg.envFiles;
}
