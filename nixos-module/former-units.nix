# Configurations written for sops-nix set things on its units by their names. Here these names are aliases, which have no settings of their own:
# what can be carried over to our units is.
{ config, lib }:

let
  services = config.systemd.services;

  # Lists of units, by the fields of unit files that NixOS renders them to.
  ordering = {
    After = "after";
    Before = "before";
    Wants = "wants";
    Requires = "requires";
    BindsTo = "bindsTo";
    Conflicts = "conflicts";
  };

  # What our unit says of itself, or must not lose.
  ownFields = [
    "DefaultDependencies"
    "Description"
    "Documentation"
    "X-Reload-Triggers"
    "X-Restart-Triggers"
  ];

  # As lists, values add up with ours. What NixOS made of the options above is carried by them already.
  unitConfigOf =
    unit:
    lib.filterAttrs (_: values: values != [ ]) (
      lib.mapAttrs (
        field: value:
        if ordering ? ${field} then
          lib.remove (toString unit.${ordering.${field}}) (lib.toList value)
        else
          lib.toList value
      ) (removeAttrs unit.unitConfig ownFields)
    );

  absent = {
    path = [ ];
    environment = { };
    unitConfig = { };
    serviceConfig = { };
    wantedBy = [ ];
    requiredBy = [ ];
  }
  // lib.mapAttrs' (_: option: lib.nameValuePair option [ ]) ordering;
in
rec {
  exists = name: services ? ${name};

  # The settings under a former name. Only the values look at it: which services there are must not depend on a service.
  settings =
    name:
    let
      unit = services.${name} or absent;
    in
    lib.genAttrs (
      lib.attrValues ordering
      ++ [
        "wantedBy"
        "requiredBy"
        "path"
      ]
    ) (option: unit.${option})
    // {
      unitConfig = unitConfigOf unit;
      # NixOS makes PATH of `path`.
      environment = removeAttrs unit.environment [ "PATH" ];
      serviceConfig = lib.mapAttrs (_: lib.toList) (
        lib.filterAttrs (field: _: field == "Environment" || field == "EnvironmentFile") unit.serviceConfig
      );
    };

  # Whether the former unit waits for others.
  waits =
    name:
    let
      unit = settings name;
      fields = [
        "After"
        "Wants"
        "Requires"
        "BindsTo"
      ];
    in
    lib.any (field: unit.${ordering.${field}} != [ ]) fields
    || lib.any (field: unit.unitConfig ? ${field}) fields;
}
