# Renders units, scripts and messages as text.
{ lib }:

rec {
  value =
    v:
    if v == true then
      "true"
    else if v == false then
      "false"
    else
      toString v;

  section = lib.mapAttrsToList (
    name: v: lib.concatMapStrings (x: "${name}=${value x}\n") (lib.toList v)
  );

  # One line for each field. In a section, the fields are in alphabetical order.
  sections = lib.concatStringsSep "\n";
  one = name: lines: "[${name}]\n${lib.concatStrings (lib.sort lib.lessThan lines)}";

  nonEmpty = lib.filterAttrs (_: v: v != [ ] && v != "");

  unitSection =
    unit:
    one "Unit" (
      section (
        nonEmpty {
          Description = unit.description;
          X-Restart-Triggers = map toString (unit.restartTriggers or [ ]);
        }
        // unit.unitConfig
      )
    );

  installSection =
    unit:
    one "Install" (
      section (nonEmpty {
        Alias = toString unit.aliases;
        WantedBy = toString unit.wantedBy;
        RequiredBy = toString unit.requiredBy;
      })
    );

  # A NixOS target. Only its ordering is rendered.
  target =
    unit:
    sections [
      (unitSection unit)
      (installSection unit)
    ];

  path =
    unit:
    sections [
      (unitSection unit)
      (one "Path" (section unit.pathConfig))
      (installSection unit)
    ];

  # A NixOS service. NixOS keeps links in the directories of other units outside the unit file. They are rendered in [Install],
  # where systemd has a place for them.
  service =
    globalEnvironment: unit:
    let
      isDropin = unit.overrideStrategy or "" == "asDropin";
      # The text of a unit has all variables. But a PATH of only those packages that every unit has tells nothing, unless it replaces the PATH of another file.
      hasOwnPath = isDropin || lib.length unit.path > 5;
      environment = lib.filterAttrs (name: v: v != null && (name == "PATH" -> hasOwnPath)) (
        globalEnvironment // unit.environment
      );
    in
    # What NixOS puts into a file of its own beside the template of the unit.
    lib.optionalString isDropin "# drop-in\n"
    + sections [
      (unitSection unit)
      (one "Service" (
        section (
          lib.optionalAttrs unit.reloadIfChanged { X-ReloadIfChanged = true; }
          // lib.optionalAttrs (!unit.restartIfChanged) { X-RestartIfChanged = false; }
          // lib.optionalAttrs (!unit.stopIfChanged) { X-StopIfChanged = false; }
          // unit.serviceConfig
          // {
            # NixOS merges the two in the same way.
            Environment =
              lib.mapAttrsToList (n: v: builtins.toJSON "${n}=${v}") environment
              ++ lib.toList (unit.serviceConfig.Environment or [ ]);
          }
        )
      ))
      (installSection unit)
    ];

  # A service of home-manager, which has the sections of the unit already.
  userService =
    unit: sections (lib.mapAttrsToList (name: fields: one name (section (nonEmpty fields))) unit);

  # The text of each generated script follows the line that calls it.
  script = snippet: ''
    # after: ${toString snippet.deps}
    # dry activation: ${lib.boolToString snippet.supportsDryActivation}
    ${snippet.text}'';

  messages =
    config:
    lib.concatMapStrings (a: "assertion: ${a.message}\n") (
      lib.filter (a: !a.assertion) config.assertions
    )
    + lib.concatMapStrings (w: "warning: ${lib.trim w}\n") config.warnings;
}
