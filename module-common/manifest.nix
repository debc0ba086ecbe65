# Makes the manifest for the installer, from the evaluated options. Each field is named here, because the installer refuses fields
# that it does not know: so a new or removed option does not change the manifest by accident.
{
  lib,
  pkgs,
  cfg,
}:

let
  templateText = import ./template-text.nix { inherit lib pkgs; };

  isMissing = import ./is-missing.nix { inherit lib; };

  keyServices = import ./key-services.nix { inherit lib cfg; };

  hostRecipients = import ./host-recipients.nix { inherit lib cfg; };

  # In the manifest, a template has either its text or the file with the text, whichever the user set, never both. (If the user set
  # neither, it has the default file, which is empty.)
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

  # The file that is written when the secret or template changes, if somebody watches it. nix-darwin has no such option.
  watchFileOf = entry: lib.optionalAttrs (entry.watch or false) { inherit (entry) watchFile; };

  # The form in which it is written, if it is not as sops prints it.
  formOf = entry: lib.optionalAttrs (entry.as != null) { inherit (entry) as; };

  # What is made at its path, if it is no symlink.
  installOf =
    entry:
    lib.optionalAttrs (entry.install == "copy") (
      {
        inherit (entry) install;
      }
      // lib.optionalAttrs entry.copyToDisk { inherit (entry) copyToDisk; }
    );

  checkProgram = import ./check-program.nix { inherit pkgs; };

  checkOf =
    template: lib.optionalAttrs (template.check != null) { check = "${checkProgram template}"; };

  secretEntry =
    secret:
    {
      inherit (secret)
        name
        key
        path
        format
        mode
        ;
      # A path of the configuration is copied to the store here. So the manifest changes exactly when the content of the file does. A mock does not read the
      # file, which may be missing: it only has its name. An optional file that is missing is one that is missing on every host.
      sopsFile =
        if cfg.mock then
          baseNameOf (toString secret.sopsFile)
        else if secret.optional && isMissing secret.sopsFile then
          "/var/empty/${baseNameOf (toString secret.sopsFile)}"
        else
          secret.sopsFile;
    }
    # Fields that an older program in `sops.package` does not know are written only if somebody uses them.
    // lib.optionalAttrs (secret.onFailure != "abort") { inherit (secret) onFailure; }
    // lib.optionalAttrs (secret.trim != null) { inherit (secret) trim; }
    // lib.optionalAttrs (secret.transform != null) { inherit (secret) transform; }
    // lib.optionalAttrs secret.optional { inherit (secret) optional; }
    // watchFileOf secret
    // formOf secret
    // installOf secret
    // lib.optionalAttrs (cfg.mock && secret.mockValue != null) { inherit (secret) mockValue; };

  isHashed =
    secret:
    !lib.elem secret.transform [
      null
      "base64-decode"
    ];

  templateEntry =
    template:
    {
      inherit (template) name path mode;
    }
    // templateSource template
    // checkOf template
    // watchFileOf template
    // formOf template
    // installOf template;

  directoryEntry =
    _: directory:
    {
      inherit (directory) mode;
    }
    // lib.optionalAttrs (directory.group or null != null) { inherit (directory) group; };

  # Fields that an older program in `sops.package` does not know are written only if somebody uses them. (30 seconds and 256 MiB are the program's defaults.)
  laterFields =
    lib.optionalAttrs (cfg.age.keyCredential != null) { ageKeyCredential = cfg.age.keyCredential; }
    // lib.optionalAttrs (cfg.hostRecipients != [ ]) { hostRecipients = hostRecipients.lines; }
    // lib.optionalAttrs cfg.keyServices.enable { keyServices = keyServices.field; }
    // lib.optionalAttrs (cfg.warnAge != null) { inherit (cfg) warnAge; }
    // lib.optionalAttrs (cfg.keyTimeout != 30) { inherit (cfg) keyTimeout; }
    // lib.optionalAttrs (cfg.maxSize != 256) { inherit (cfg) maxSize; };

  checkMode = if cfg.validateSopsFiles && !cfg.mock then "sopsfile" else "manifest";
in

{
  # File name of the manifest in the store.
  fileName,
  # The secrets and templates of this manifest, as attribute sets of option values.
  secrets,
  templates,
  # The directory of the generations, and the link to the live one.
  mountPoint,
  symlinkPath,
  # Whether a plain user installs it.
  userMode,
  useTmpfs ? false,
  # The name of the host, if it has one: it goes into the salts of hashes.
  hostName ? null,
  # Further fields of the manifest.
  fields ? { },
  # Fields of a secret or a template that only one of the two modules has: a function from the option's value to these fields.
  furtherFields ? _: { },
}:

let
  places =
    lib.catAttrs "name" (lib.attrValues secrets)
    ++ map (template: "rendered/${template.name}") (lib.attrValues templates);
  directories = lib.mapAttrs directoryEntry (
    lib.filterAttrs (name: _: lib.any (lib.hasPrefix "${name}/") places) cfg.directories
  );
in
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
      # `toString`: a path without quotes would be copied to the store, and a private key must not be there.
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
    // lib.optionalAttrs (directories != { }) { inherit directories; }
    // lib.optionalAttrs (
      lib.any isHashed (lib.attrValues secrets)
      && !lib.elem hostName [
        null
        ""
      ]
    ) { inherit hostName; }
    # Where nothing is installed, no mark is needed either.
    // lib.optionalAttrs (cfg.mock && secrets // templates != { }) { mock = true; }
    // fields
  );
  checkPhase = ''
    ${cfg.validationPackage}/bin/sops-install-secrets -check-mode=${checkMode} "$out"
  '';
}
