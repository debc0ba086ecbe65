# What a configuration defines for a unit, without the definitions of this project. It reads definitions, not the merged unit: which units exist and how
# ours are ordered depends on this, so reading the merged unit would be infinite recursion.
{
  config,
  lib,
  options,
}:

# Name of the unit, without suffix.
name:

let
  own = map toString [
    ./credentials.nix
    ./file-systems-unit.nix
    ./first-boot.nix
    ./former-names.nix
    ./online-unit.nix
    ./units.nix
    ./user-keys.nix
  ];

  # The definitions as they were written, with their conditions and priorities.
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
    emptyValue.value = [ ];
  };
  sections = lib.genAttrs [ "serviceConfig" "unitConfig" ] (
    _:
    lib.mkOption {
      type = lib.types.attrsOf values;
      default = { };
    }
  );
  asModule = definition: if lib.isAttrs definition then { config = definition; } else definition;

  evaluated = lib.evalModules {
    # A definition that is a function gets the merged unit.
    specialArgs = {
      inherit name;
      config = config.systemd.services.${name} or { };
    };
    modules = [
      {
        options = sections;
        # Lazy, so that the order of our units depends on no condition of another option.
        config._module.freeformType = lib.types.lazyAttrsOf values;
      }
    ]
    ++ map asModule definitions;
  };
in
rec {
  inherit definitions;

  # Whether anything defines the unit, where the condition of the definition holds. An empty definition counts.
  isDefined =
    (lib.evalModules {
      modules = [
        { options.found = lib.mkOption { type = values; }; }
      ]
      ++ map (found: { inherit found; }) definitions;
    }).config.found != [ ];

  # What the definitions set, where their conditions hold. For each option, and for each field of a section, this is the list of its
  # values.
  inherit (evaluated.config) serviceConfig unitConfig;
  fields = lib.filterAttrs (_: found: found != [ ]) (
    removeAttrs evaluated.config (lib.attrNames sections)
  );

  # Whether anything is defined. An empty value with `mkForce` counts, because it removes everything else.
  exist =
    lib.any (part: part != { }) [
      fields
      serviceConfig
      unitConfig
    ]
    || lib.any (definition: definition._type or "" == "override") definitions;
}
