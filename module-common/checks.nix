# What both modules refuse or warn of at evaluation.
{ lib, cfg }:

let
  keySources = import ./key-sources.nix { inherit lib cfg; };
  isInStore = import ./in-store.nix { inherit lib; };
  isMissing = import ./is-missing.nix { inherit lib; };
  hostRecipients = import ./host-recipients.nix { inherit lib cfg; };
  secretOption = name: "sops.secrets.${lib.strings.escapeNixIdentifier name}";

  # With validation on, the build reads each sops file. So the file must exist, and be where a build can see it.
  sopsFileAssertions = lib.optionals (cfg.validateSopsFiles && !cfg.mock) (
    lib.concatLists (
      lib.mapAttrsToList (
        name: secret:
        let
          inStore = isInStore secret.sopsFile;
        in
        [
          {
            assertion = inStore;
            message =
              "${secretOption name}.sopsFile is ${toString secret.sopsFile}, which is not in the Nix store, so the build cannot check it: "
              + "write the path without quotes, or set sops.validateSopsFiles to false.";
          }
          {
            # If the file is still to be built, the build will notice that it is missing.
            assertion = secret.optional || !isMissing secret.sopsFile;
            message =
              "${secretOption name}.sopsFile is ${toString secret.sopsFile}, but there is no such file. "
              + "A flake sees only files that git knows: git add the file, or correct sopsFile.";
          }
        ]
      ) cfg.secrets
    )
  );

  missingFiles = lib.filterAttrs (
    _: secret: secret.optional && isMissing secret.sopsFile
  ) cfg.secrets;
  missingFileWarnings = lib.optionals (!cfg.mock) (
    lib.mapAttrsToList (
      name: secret:
      "${secretOption name} is optional and will not be installed: its sopsFile, ${toString secret.sopsFile}, is missing. "
      + "If it should be there: a flake sees only files that git knows, so git add the file, or correct sopsFile."
    ) missingFiles
  );

  formAssertions = lib.mapAttrsToList (name: secret: {
    assertion = secret.as == null || secret.format != "binary";
    message =
      "${secretOption name}.as is \"${toString secret.as}\", but its format is \"binary\", which is bytes without parts: "
      + "set format to that of the file, or use the secret in a template that has as.";
  }) cfg.secrets;

  # A password or Base64 is a single value. What is more than that has no transform.
  transformAssertions = lib.concatLists (
    lib.mapAttrsToList (
      name: secret:
      let
        option = secretOption name;
        isWhole = {
          yaml = secret.as == null && secret.key == "";
          json = secret.as == null && secret.key == "";
          dotenv = secret.as == null;
          ini = secret.as == null;
          binary = false;
        };
      in
      [
        {
          assertion = secret.transform == null || secret.as == null || secret.as == "value";
          message = "${option}.transform takes a single value, but ${option}.as is \"${toString secret.as}\": set ${option}.as to \"value\" or to null.";
        }
        {
          assertion = secret.transform == null || !isWhole.${secret.format};
          message = "${option}.transform takes a single value, but the secret is a whole file: set ${option}.key, and in a file that is neither YAML nor JSON also ${option}.as = \"value\".";
        }
      ]
    ) cfg.secrets
  );

  directoryAssertions =
    places:
    lib.concatLists (
      lib.mapAttrsToList (
        name: directory:
        let
          option = "sops.directories.${lib.strings.escapeNixIdentifier name}";
          isIn =
            place:
            lib.hasPrefix "${name}/" "${
              lib.optionalString (place.kind == "templates") "rendered/"
            }${place.name}";
        in
        [
          {
            assertion = lib.any isIn places;
            message = "${option} is no directory of a secret or template: write the beginning of their names, such as db for db/password, or rendered/app for the template app/config.";
          }
          {
            assertion = directory.owner == null;
            message =
              "${option}.owner is set, but whoever owned the directory could put something else in the place of a secret, fill the memory, or stop the next run: remove it"
              + lib.optionalString (
                directory ? group
              ) ", and to let others in, set ${option}.group and ${option}.mode"
              + ".";
          }
          {
            assertion = builtins.match "0*7[0145][0145]" directory.mode != null;
            message = "${option}.mode is \"${directory.mode}\", but its owner has to write in it, and nobody else may: set a mode such as \"0700\", \"0750\" or \"0755\".";
          }
        ]
      ) cfg.directories
    );

  envFileAssertions = lib.concatLists (
    lib.mapAttrsToList (
      name: variables:
      lib.concatLists (
        lib.mapAttrsToList (
          variable: secret:
          let
            option = "sops.envFiles.${lib.strings.escapeNixIdentifier name}";
          in
          [
            {
              assertion = cfg.secrets ? ${secret};
              message = "${option}.${lib.strings.escapeNixIdentifier variable} names the secret ${secret}, which is not in sops.secrets: declare it, or correct the name.";
            }
            {
              assertion = builtins.match "[A-Za-z_][A-Za-z0-9_]*" variable != null;
              message = "${option} has a variable ${variable}, but names of variables have only letters, digits and underscores: write a name such as DB_PASSWORD.";
            }
          ]
        ) variables
      )
    ) cfg.envFiles
  );

  # If two entries are the same file, or have links at the same path, the later one would silently win. Two entries that are the same file also have the
  # same path, so files are checked first.
  sharingAssertions =
    places: key: objection:
    map (sharing: {
      assertion = lib.length sharing == 1;
      message = "${
        lib.concatMapStringsSep " and " (place: place.option) sharing
      } ${objection (lib.head sharing)}";
    }) (lib.attrValues (lib.groupBy key places));
  # Each phase (early, regular) has a directory of its own.
  file =
    place:
    "${place.directory}/${lib.optionalString (place.kind == "templates") "rendered/"}${place.name}";
  firstOfEachFile = places: map lib.head (lib.attrValues (lib.groupBy file places));
  placeAssertions =
    places:
    sharingAssertions places file (
      place: "would be the same file, ${file place}: set another name for all but one."
    )
    ++ sharingAssertions (firstOfEachFile places) (place: place.path) (
      place: "have the same path, ${place.path}: set another path for all but one."
    );

  # A copy without a path of its own would be the secret itself.
  copyAssertions = map (place: {
    assertion = place.install == "link" || place.path != file place;
    message = "${place.option}.install is \"copy\", but its path is its own place, ${place.path}: set path to where the copy belongs, or install to \"link\".";
  });

  relativePathAssertions =
    starts:
    map (place: {
      assertion = lib.any (start: lib.hasPrefix start place.path) starts;
      message = "${place.option}.path is ${place.path}, ${
        if lib.hasPrefix "%r" place.path then
          "but %r means a directory only in home-manager"
        else
          "which is not an absolute path"
      }: write the whole path, from / on.";
    });
in
{
  # Files that are not there, and keys that the program cannot use.
  warnings = missingFileWarnings;

  # What macOS does not do, although nothing refuses it.
  warningsOnMacos = lib.optional (keySources.cloudVariables != [ ]) (
    "sops.environment sets ${lib.concatStringsSep ", " keySources.cloudVariables}, but the program that asks key services exists only for Linux: "
    + "give this host a key of its own for each sops file, or set sops.keyServices.enable to false if the variables are for something else."
  );

  # A host without any secret needs no key. But a module that it shares with other hosts may configure one, so this is no error.
  assertions =
    {
      # Whether any key is configured, and the options that would configure one.
      hasKeys,
      keyOptions,
      # What is installed where: a list of { kind, option, directory, name, path, install }. `kind` is `secrets` or `templates`, `directory` is the directory of
      # the phase.
      places,
      # What an absolute path starts with.
      pathStarts ? [ "/" ],
    }:
    [
      {
        assertion = cfg.secrets == { } || cfg.mock || hasKeys;
        message = "There is no key to open the sops files with: set ${keyOptions}.";
      }
      {
        assertion = cfg.secrets == { } || cfg.gnupg.home == null || cfg.gnupg.sshKeyPaths == [ ];
        message = "sops.gnupg.home and sops.gnupg.sshKeyPaths cannot both be set: set sops.gnupg.sshKeyPaths to [ ], or sops.gnupg.home to null.";
      }
      {
        assertion = cfg.hostRecipients == [ ] || hostRecipients.lines != [ ];
        message = "sops.hostRecipients names no recipient, only comments: add one, as sops-nix keys --nix prints it on the host.";
      }
      {
        assertion = hostRecipients.strange == [ ];
        message = "sops.hostRecipients has an entry that is no recipient: write public keys only, as sops-nix keys --nix prints them on the host.";
      }
      {
        assertion = cfg.secrets == { } || !cfg.age.generateKey || cfg.age.keyFile != null;
        message = "sops.age.generateKey is true, but nothing says which file to make: set sops.age.keyFile.";
      }
    ]
    ++ sopsFileAssertions
    ++ formAssertions
    ++ transformAssertions
    ++ directoryAssertions places
    ++ envFileAssertions
    ++ placeAssertions places
    ++ copyAssertions places
    ++ relativePathAssertions pathStarts places;
}
