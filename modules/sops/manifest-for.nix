# A manifest as sops-nix makes it, for people who install one of their own: other secrets, another place. `cfg` has the fields of `config.sops`, and
# `extraJson` replaces fields of the manifest. The manifest has no `version`, so the program ignores fields that it does not know.
{
  writeTextFile,
  cfg,
  lib,
}:

suffix: secrets: templates: extraJson:

let
  checkMode = if cfg.validateSopsFiles then "sopsfile" else "manifest";
  logs = event: lib.elem event cfg.log;
in
writeTextFile {
  name = "manifest${suffix}.json";
  text = builtins.toJSON (
    {
      secrets = lib.attrValues secrets;
      templates = lib.attrValues templates;
      placeholderBySecretName = cfg.placeholder;
      secretsMountPoint = "/run/secrets.d";
      symlinkPath = "/run/secrets";
      inherit (cfg) keepGenerations useTmpfs;
      gnupgHome = cfg.gnupg.home;
      # `toString`: a path without quotes would be copied to the store, and a private key must not be there.
      sshKeyPaths = map toString cfg.gnupg.sshKeyPaths;
      ageKeyFile = if cfg.age.keyFile == null then null else toString cfg.age.keyFile;
      ageSshKeyPaths = map toString cfg.age.sshKeyPaths;
      userMode = false;
      logging = lib.genAttrs [ "keyImport" "secretChanges" ] logs;
    }
    // extraJson
  );
  checkPhase = ''
    ${cfg.validationPackage}/bin/sops-install-secrets -check-mode=${checkMode} "$out"
  '';
}
