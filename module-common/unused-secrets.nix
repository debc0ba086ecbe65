# The secrets to which nothing refers, for whoever asks.
{
  config,
  lib,
  pkgs,
  ...
}:

let
  cfg = import ./in-effect.nix { inherit config lib; };
  inherit (import ./mentions.nix { inherit lib pkgs cfg; }) marksOf mentions;
  namesAny = import ./names-any.nix { inherit lib; };

  # Our own units have the manifest, which names all secrets.
  withoutOurs = lib.filterAttrs (name: _: !lib.hasPrefix "sops-" name);

  # Where configurations tell programs of files. No kind of system has all of these options.
  values = [
    (config.boot.initrd.secrets or { })
    (config.environment.etc or { })
    (config.fileSystems or { })
    (withoutOurs (config.home.activation or { }))
    (config.home.file or { })
    (config.home.sessionVariables or { })
    (withoutOurs (config.launchd.agents or { }))
    (withoutOurs (config.launchd.daemons or { }))
    (config.system.activationScripts or { })
    (config.systemd.mounts or { })
    (withoutOurs (config.systemd.services or { }))
    (withoutOurs (config.systemd.user.services or { }))
    (config.users.users or { })
  ];

  # All texts in a value. A file that is built has its text, too, if Nix writes it.
  textsOf =
    value:
    let
      tried = builtins.tryEval (if lib.isDerivation value then value.text or "" else value);
      found = tried.value;
    in
    if !tried.success then
      [ ]
    else if lib.isString found then
      [ (builtins.unsafeDiscardStringContext found) ]
    else if lib.isList found then
      lib.concatMap textsOf found
    else if lib.isAttrs found then
      lib.concatMap textsOf (lib.attrValues found)
    else
      [ ];

  directories = lib.filter (directory: directory != null) [
    (cfg.secretsDir or null)
    (cfg.secretsForUsersDir or null)
    (cfg.secretsForFileSystemsDir or null)
    (cfg.defaultSymlinkPath or null)
  ];
  ownPaths = secret: map (directory: "${directory}/${secret.name}") directories;

  # Only a text that names some secret is looked at more closely.
  paths = map (secret: secret.path) (lib.attrValues cfg.secrets);
  texts = lib.filter (namesAny paths) (textsOf values);

  credentials = lib.concatMap lib.attrValues (lib.attrValues (config.sops.credentials or { }));

  # A secret with a path, or with units to tell, is there for somebody.
  isUsed =
    name: secret:
    !lib.elem secret.path (ownPaths secret)
    || (secret.restartUnits or [ ]) ++ (secret.reloadUnits or [ ]) != [ ]
    || secret.watch or false
    || lib.elem name credentials
    || lib.any (mentions true (marksOf { } name secret)) (lib.attrValues cfg.templates)
    || lib.any (namesAny [ secret.path ]) texts;
in
{
  options.sops.unusedSecrets = lib.mkOption {
    type = lib.types.listOf lib.types.str;
    readOnly = true;
    default = lib.attrNames (lib.filterAttrs (name: secret: !isUsed name secret) cfg.secrets);
    defaultText = lib.literalMD "the secrets to which nothing refers";
    description = ''
      The secrets that no template, no unit, no user, no file in `/etc` or in a home, and no activation script names, and that have neither a `path` nor units of
      their own. To see them: `nix eval .#nixosConfigurations.web.config.sops.unusedSecrets`. A program may read one all the same: its own configuration file is
      not looked into if a build makes it.
    '';
  };
}
