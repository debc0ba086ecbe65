# From evaluated options to the manifest that the installer reads. Each field is named here: an option more or less in a module
# never changes the file format by accident, and the installer refuses what it does not know.
{
  lib,
  pkgs,
  cfg,
}:

let
  templateText = import ./template-text.nix { inherit lib pkgs; };

  # A template carries either its text or the file that holds it: what the user set, never both. (With an empty text there is only the file.)
  templateSource =
    template:
    if templateText.hasOwnFile template || template.content == "" then
      {
        content = "";
        file = "${template.file}";
      }
    else
      {
        inherit (template) content;
        file = "";
      };

  secretEntry = secret: {
    inherit (secret)
      name
      key
      path
      format
      mode
      # A path of the configuration is copied to the store here, so that the manifest changes exactly when the file does.
      sopsFile
      ;
  };

  templateEntry =
    template:
    {
      inherit (template) name path mode;
    }
    // templateSource template;

  # What an older program in `sops.package` does not know is there only for those who use it. (The program takes 30 seconds and 256 MiB for granted.)
  laterFields =
    lib.optionalAttrs (cfg.age.keyCredential != null) { ageKeyCredential = cfg.age.keyCredential; }
    // lib.optionalAttrs (cfg.keyTimeout != 30) { inherit (cfg) keyTimeout; }
    // lib.optionalAttrs (cfg.maxSize != 256) { inherit (cfg) maxSize; };

  checkMode = if cfg.validateSopsFiles then "sopsfile" else "manifest";
in

{
  # File name of the manifest in the store.
  fileName,
  # The secrets and templates of this manifest, as attribute sets of option values.
  secrets,
  templates,
  # Where generations go, and the link to the live one.
  mountPoint,
  symlinkPath,
  # Whether a plain user installs it.
  userMode,
  useTmpfs ? false,
  # What only one of the two modules has in a secret or a template: option value → further fields.
  furtherFields ? _: { },
}:

pkgs.writeTextFile {
  name = fileName;
  text = builtins.toJSON (
    {
      version = 1;
      secrets = map (secret: secretEntry secret // furtherFields secret) (lib.attrValues secrets);
      templates = map (template: templateEntry template // furtherFields template) (
        lib.attrValues templates
      );
      placeholderBySecretName = lib.optionalAttrs (templates != { }) (
        lib.mapAttrs' (name: secret: lib.nameValuePair secret.name "${cfg.placeholder.${name}}") secrets
      );
      secretsMountPoint = mountPoint;
      symlinkPath = symlinkPath;
      inherit (cfg) keepGenerations;
      gnupgHome = cfg.gnupg.home;
      # `toString`, because a path that is written without quotes would be copied to the store: a private key must not be.
      sshKeyPaths = map toString cfg.gnupg.sshKeyPaths;
      ageKeyFile = if cfg.age.keyFile == null then null else toString cfg.age.keyFile;
      ageSshKeyPaths = map toString cfg.age.sshKeyPaths;
      inherit useTmpfs userMode;
      logging = {
        keyImport = lib.elem "keyImport" cfg.log;
        secretChanges = lib.elem "secretChanges" cfg.log;
      };
    }
    // laterFields
  );
  checkPhase = ''
    ${cfg.validationPackage}/bin/sops-install-secrets -check-mode=${checkMode} "$out"
  '';
}
