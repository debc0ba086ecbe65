# What both modules refuse at evaluation, and what they remark on.
{ lib, cfg }:

let
  keySources = import ./key-sources.nix { inherit lib cfg; };
  secretOption = name: "sops.secrets.${lib.strings.escapeNixIdentifier name}";

  # With validation on, the build reads each sops file: it has to exist, and be where a build sees it.
  sopsFileAssertions = lib.optionals cfg.validateSopsFiles (
    lib.concatLists (
      lib.mapAttrsToList (
        name: secret:
        let
          inStore =
            builtins.isPath secret.sopsFile || lib.hasPrefix "${builtins.storeDir}/" "${secret.sopsFile}";
        in
        [
          {
            assertion = inStore;
            message =
              "${secretOption name}.sopsFile: ${toString secret.sopsFile} is not in the Nix store, where the build could check it: "
              + "write the path without quotes, or set sops.validateSopsFiles to false.";
          }
          {
            # A file that is yet to be built is left to the build.
            assertion =
              !inStore
              || builtins.hasContext "${toString secret.sopsFile}"
              || builtins.pathExists secret.sopsFile;
            message =
              "${secretOption name}.sopsFile: there is no file ${toString secret.sopsFile}. "
              + "In a flake only files that git knows exist: git add it, or correct sopsFile.";
          }
        ]
      ) cfg.secrets
    )
  );

  # Two things at one path: the later one would silently win.
  pathAssertions =
    places:
    lib.mapAttrsToList (path: sharing: {
      assertion = lib.length sharing == 1;
      message = "${
        lib.concatMapStringsSep " and " (place: place.option) sharing
      } have one path, ${path}: set path of all but one to another place.";
    }) (lib.groupBy (place: place.path) places);
in
{
  # Of the keys that the program cannot use.
  warnings = lib.optional (keySources.cloudVariables != [ ]) (
    "${lib.concatStringsSep ", " keySources.cloudVariables} in sops.environment: the key services of clouds are not supported yet by this version; "
    + "keep sops-nix for hosts that need one."
  );

  assertions =
    {
      # Whether any key is configured, and the options that would configure one.
      hasKeys,
      keyOptions,
      # What is installed where: a list of { option, path }.
      places,
    }:
    [
      {
        assertion = hasKeys;
        message = "There is no key to open the sops files with: set ${keyOptions}.";
      }
      {
        assertion = cfg.gnupg.home == null || cfg.gnupg.sshKeyPaths == [ ];
        message = "sops.gnupg.home and sops.gnupg.sshKeyPaths exclude each other: set sops.gnupg.sshKeyPaths to [ ], or sops.gnupg.home to null.";
      }
      {
        assertion = !cfg.age.generateKey || cfg.age.keyFile != null;
        message = "sops.age.generateKey does not know which file to make: set sops.age.keyFile.";
      }
    ]
    ++ sopsFileAssertions
    ++ pathAssertions places;
}
