# Configurations written for sops-nix set things on its units by their names. Here these names are aliases, which have no settings of their own:
# what is defined for one of them is passed on to our unit as it stands, with its conditions and priorities.
{
  config,
  lib,
  options,
}:

# The former name and ours, without suffix.
name: newName:

let
  inherit (config.systemd) services;

  definitions = import ./definitions.nix { inherit lib options; } name;

  # NixOS makes a unit of it as well, whose file the alias replaces. There its settings can be read in one form.
  unit =
    services.${name} or {
      unitConfig = { };
      serviceConfig = { };
    };
in
rec {
  inherit name;

  settings = lib.mkMerge definitions.definitions;

  # Whether there are any.
  exists = definitions.exist;

  # The fields with commands, `preStart` and its like included.
  commands = lib.filter (field: lib.hasPrefix "Exec" field && field != "ExecSearchPath") (
    lib.attrNames unit.serviceConfig
  );

  # What cannot be passed on.
  assertions = lib.optional (services ? ${newName}) {
    assertion = lib.elem (services.${newName}.unitConfig.DefaultDependencies or false) [
      false
      "no"
      "false"
      "off"
      "0"
    ];
    message = "systemd.services.${name}.unitConfig.DefaultDependencies: ${newName}.service starts before sysinit.target, and would wait for it with this: remove it.";
  };

  warnings =
    lib.optional exists "systemd.services.${name}: the unit is called ${newName}.service here, and has these settings: set systemd.services.${newName} instead."
    ++
      lib.optional (commands != [ ])
        "systemd.services.${name}: nothing confines ${newName}.service because of this ${toString commands}. What need not run in it is better a unit of its own, ordered before it.";
}
