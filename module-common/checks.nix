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

  # Two things at one path, or two files of one name: the later one would silently win. A name makes a path, so that the names come first.
  sharingAssertions =
    what: remedy: places:
    lib.mapAttrsToList (value: sharing: {
      assertion = lib.length sharing == 1;
      message = "${
        lib.concatMapStringsSep " and " (place: place.option) sharing
      } have one ${what}, ${value}: set ${what} of all but one to another ${remedy}.";
    }) (lib.groupBy (place: place.${what}) places);
  # The first of each name. (Secrets and templates do not share their names.)
  firstOfEachName =
    places: map lib.head (lib.attrValues (lib.groupBy (place: "${place.kind} ${place.name}") places));
  placeAssertions =
    places:
    lib.concatMap
      (kind: sharingAssertions "name" "name" (lib.filter (place: place.kind == kind) places))
      [
        "secrets"
        "templates"
      ]
    ++ sharingAssertions "path" "place" (firstOfEachName places);

  relativePathAssertions =
    starts:
    map (place: {
      assertion = lib.any (start: lib.hasPrefix start place.path) starts;
      message = "${place.option}.path: ${place.path} is relative, and nothing says to what: write the whole path, from / on.";
    });
in
{
  # Of the keys that the program cannot use.
  warnings = lib.optional (keySources.cloudVariables != [ ]) (
    "${lib.concatStringsSep ", " keySources.cloudVariables} in sops.environment: the key services of clouds are not supported yet by this version; "
    + "keep sops-nix for hosts that need one."
  );

  # A host without any secret needs no key, and a module that many hosts share may say where one would be.
  assertions =
    {
      # Whether any key is configured, and the options that would configure one.
      hasKeys,
      keyOptions,
      # What is installed where: a list of { kind, option, name, path }, where `kind` is `secrets` or `templates`.
      places,
      # What a whole path starts with.
      pathStarts ? [ "/" ],
    }:
    [
      {
        assertion = cfg.secrets == { } || hasKeys;
        message = "There is no key to open the sops files with: set ${keyOptions}.";
      }
      {
        assertion = cfg.secrets == { } || cfg.gnupg.home == null || cfg.gnupg.sshKeyPaths == [ ];
        message = "sops.gnupg.home and sops.gnupg.sshKeyPaths exclude each other: set sops.gnupg.sshKeyPaths to [ ], or sops.gnupg.home to null.";
      }
      {
        assertion = cfg.secrets == { } || !cfg.age.generateKey || cfg.age.keyFile != null;
        message = "sops.age.generateKey does not know which file to make: set sops.age.keyFile.";
      }
    ]
    ++ sopsFileAssertions
    ++ placeAssertions places
    ++ relativePathAssertions pathStarts places;
}
