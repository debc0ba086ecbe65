# What the configuration says about the keys that open the sops files.
{ lib, cfg }:

let
  # Variables that name a key file.
  fileVariables = [
    "SOPS_AGE_KEY_FILE"
    "SOPS_AGE_SSH_PRIVATE_KEY_FILE"
  ];
  keyVariables = fileVariables ++ [
    "SOPS_AGE_KEY"
    "SOPS_AGE_KEY_CMD"
    "SOPS_AGE_SSH_PRIVATE_KEY_CMD"
  ];
  cloudPrefixes = [
    "AWS_"
    "AZURE_"
    "CLOUDSDK_"
    "GCE_METADATA_"
    "GOOGLE_"
    "HUAWEICLOUD_"
    "SOPS_AZURE_"
    "SOPS_GCP_"
    "SOPS_GOOGLE_"
    "SOPS_HUAWEICLOUD_"
    "SOPS_KEYSERVICE"
    "SOPS_KMS_"
    "SOPS_VAULT_"
    "VAULT_"
  ];

  keyServices = import ./key-services.nix { inherit lib cfg; };

  variables = lib.attrNames cfg.environment;
  begins = prefixes: name: lib.any (prefix: lib.hasPrefix prefix name) prefixes;
  isCommand = lib.hasSuffix "_CMD";
in
rec {
  # Variables that say how to reach a cloud's key service.
  cloudVariables = lib.filter (begins cloudPrefixes) variables;
  # Every path that a key of this host is read from.
  paths =
    lib.optional (cfg.gnupg.home != null) cfg.gnupg.home
    ++ map toString cfg.gnupg.sshKeyPaths
    ++ lib.optional (cfg.age.keyFile != null) (toString cfg.age.keyFile)
    ++ map toString cfg.age.sshKeyPaths
    ++ lib.filter (lib.hasPrefix "/") (
      map toString (lib.attrVals (lib.intersectLists fileVariables variables) cfg.environment)
    );

  # The file of a key that may come after the secrets are installed, or null. Of the two modules, only that of NixOS has the option.
  lateKeyFile =
    if cfg.age.keyFileMayComeLate or false && cfg.age.keyFile != null then
      toString cfg.age.keyFile
    else
      null;

  # Those of these paths that what installs the secrets waits for.
  pathsAtBoot = lib.remove lateKeyFile paths;

  # Every path that a unit reads in order to ask key services.
  servicePaths = lib.optionals cfg.keyServices.enable keyServices.files;

  # Whether there is any key, or any way to get one.
  any =
    paths != [ ]
    || cfg.age.keyCredential != null
    || cfg.keyServices.enable
    || lib.any (name: lib.elem name keyVariables) variables;

  # Whether the TPM may be needed: systemd uses it for a credential, and a plugin may use it.
  mayNeedTpm = cfg.age.keyCredential != null || cfg.age.plugins != [ ];

  # Whether the network may be needed before key services are asked, which a unit of its own does.
  needNetwork =
    lib.any isCommand variables
    || cloudVariables != [ ] && (cfg.age.plugins != [ ] || !cfg.keyServices.enable);

  # Whether other programs are started that are not ours: age plugins, gpg, commands that print a key.
  needPrograms =
    cfg.age.plugins != [ ] || lib.elem "SOPS_GPG_EXEC" variables || lib.any isCommand variables;

  # The same two for the unit that asks key services. Commands may print what identifies the host to them.
  ofServices = {
    needNetwork = true;
    needPrograms = needPrograms || keyServices.mayStartPrograms;
  };
}
