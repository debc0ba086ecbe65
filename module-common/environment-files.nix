# Which units read a secret or a template by EnvironmentFile=. systemd would change some values of it, so the program is told, which warns.
{ lib }:

{
  # The names of the units by the paths that they read. `services` has what each service sets for EnvironmentFile.
  unitsByPath =
    services:
    lib.foldAttrs (unit: units: [ unit ] ++ units) [ ] (
      lib.concatLists (
        lib.mapAttrsToList (
          name: files:
          map (
            # A dash says that the file may be missing.
            file: {
              ${builtins.unsafeDiscardStringContext (lib.removePrefix "-" (toString file))} = "${name}.service";
            }) (lib.toList files)
        ) services
      )
    );

  # The field of the manifest. What is written for a reader, or is no file of variables, needs none.
  fieldOf =
    units: entry:
    lib.optionalAttrs
      (entry.as == null && entry.format or "dotenv" == "dotenv" && units ? ${entry.path})
      {
        environmentFileOf = units.${entry.path};
      };

  # The warning about a file that is written for another reader. `option` is its name.
  warningOf =
    units: option: entry:
    let
      readers = lib.concatStringsSep ", " units.${entry.path};
    in
    lib.optional
      (
        !lib.elem entry.as [
          null
          "systemd-env"
        ]
        && units ? ${entry.path}
      )
      "${option}.as is \"${entry.as}\", but ${readers} reads the file by EnvironmentFile=: set it to \"systemd-env\".";
}
