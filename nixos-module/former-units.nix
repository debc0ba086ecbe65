# Configurations for sops-nix change settings of its units. Here the names of these units are aliases, which have no settings of their own. So every
# definition for such a name is passed on to our unit unchanged, with its conditions and priorities.
{
  config,
  lib,
  options,
}:

# The old name of the unit, and our name for it, without suffix.
name: newName:

let
  inherit (import ./unit-fields.nix { inherit lib; }) isNo;
  inherit (config.systemd) services;

  definitions = import ./definitions.nix { inherit config lib options; } name;

  # NixOS also makes a unit with the old name, whose file the alias replaces. In this unit, the settings have one form, however they
  # were written.
  unit =
    services.${name} or {
      unitConfig = { };
      serviceConfig = { };
    };
in
rec {
  inherit name;

  settings = lib.mkMerge definitions.definitions;

  # Whether the old name has any settings.
  exists = definitions.exist;

  # The fields with commands, `preStart` and the like included.
  commands = lib.filter (field: lib.hasPrefix "Exec" field && field != "ExecSearchPath") (
    lib.attrNames unit.serviceConfig
  );

  # The fields with commands that others define, without those that this project itself sets.
  ownCommands =
    lib.filter (field: lib.hasPrefix "Exec" field && field != "ExecSearchPath") (
      lib.attrNames definitions.serviceConfig
    )
    ++ lib.attrValues (
      lib.intersectAttrs definitions.fields {
        preStart = "ExecStartPre";
        script = "ExecStart";
        postStart = "ExecStartPost";
        reload = "ExecReload";
        preStop = "ExecStop";
        postStop = "ExecStopPost";
      }
    );

  # Settings that cannot be passed on.
  assertions = lib.optional (services ? ${newName}) {
    assertion = isNo (services.${newName}.unitConfig.DefaultDependencies or false);
    message = "systemd.services.${name}.unitConfig.DefaultDependencies is on. With it, ${newName}.service would wait for sysinit.target, but must start before sysinit.target: remove that setting.";
  };

  warnings =
    lib.optional exists "systemd.services.${name} is another name of ${newName}.service, which takes over the settings that are made under this name: set systemd.services.${newName} instead."
    ++
      lib.optional (commands != [ ])
        "systemd.services.${name} sets ${lib.concatStringsSep ", " commands}, so ${newName}.service runs without confinement: move these commands to a unit of their own, with before = [ \"${newName}.service\" ].";
}
