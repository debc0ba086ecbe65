# What a configuration says of a unit, beside what this project does. Only definitions are looked at: which units there are, and how ours are ordered,
# must not depend on what has become of a unit.
{ lib, options }:

# Name of the unit, without suffix.
name:

let
  own = map toString [
    ./former-names.nix
    ./units.nix
  ];

  # As they stand, with their conditions and priorities.
  definitions = lib.catAttrs name (
    map (definition: definition.value) (
      lib.filter (
        definition: !lib.elem definition.file own
      ) options.systemd.services.definitionsWithLocations
    )
  );

  values = lib.mkOptionType {
    name = "values";
    merge = _: map (definition: definition.value);
  };
  sections = lib.genAttrs [ "serviceConfig" "unitConfig" ] (
    _:
    lib.mkOption {
      type = lib.types.attrsOf values;
      default = { };
    }
  );
  asModule = definition: if lib.isAttrs definition then { config = definition; } else definition;

  inherit
    (lib.evalModules {
      modules = [
        {
          options = sections;
          config._module.freeformType = lib.types.attrsOf values;
          config._module.args = { inherit name; };
        }
      ]
      ++ map asModule definitions;
    })
    config
    ;
in
rec {
  inherit definitions;

  # What is set where the conditions hold: of each option, and of each field of a section, the list of its values.
  inherit (config) serviceConfig unitConfig;
  fields = removeAttrs config (lib.attrNames sections);

  # Whether anything is. What is empty, but forced, takes all else away.
  exist =
    lib.any (part: part != { }) [
      fields
      serviceConfig
      unitConfig
    ]
    || lib.any (definition: definition._type or "" == "override") definitions;
}
