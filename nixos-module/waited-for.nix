# What is refused for a unit that others early in the boot wait for: another command in place of the installer, and units before it that start after those
# others.
{
  config,
  lib,
  ordering,
}:

rec {
  # Whether somebody has replaced the command of a unit.
  isReplaced =
    name: command:
    !lib.elem "${command}" (
      lib.toList (config.systemd.services.${name}.serviceConfig.ExecStart or [ ])
    );

  assertions =
    phase:
    {
      # What waits for the unit of the phase.
      before,
      # For messages: what somebody would be without, what has happened when the others start, and the unit's name in sops-nix.
      without,
      afterwards,
      formerName ? null,
    }:
    let
      name = "sops-nix${phase.suffix}";
      # Mounts that hold keys have messages of their own, in checks.nix.
      late = lib.subtractLists ordering.keyMounts (ordering.waitingFor before "${name}.service");
    in
    lib.optional (!phase.isEmpty) {
      assertion = !isReplaced name phase.installer;
      message =
        "systemd.services.${name}: this is the unit that installs the secrets with ${phase.option}, and its ExecStart is another now, so that ${without}: remove that ExecStart"
        + lib.optionalString (formerName != null) ", under the name ${formerName} as well"
        + "; what is to run with the installation is ExecStartPre or ExecStartPost.";
    }
    ++ map (unit: {
      assertion = false;
      message =
        "${unit} is to start before ${name}.service, but itself starts only after ${afterwards}: "
        + lib.optionalString (lib.hasSuffix ".mount" unit) "declare it in fileSystems with neededForBoot = true, or "
        + lib.optionalString (lib.hasSuffix ".service" unit) "set unitConfig.DefaultDependencies = false for it and remove what starts later from its after, or "
        + "do not order it so.";
    }) late;
}
