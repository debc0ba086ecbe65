# Errors about a unit of ours for which other units wait early in the boot. There are two: somebody has replaced its command; or
# somebody has ordered a unit before it that can start only after those other units.
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
      # The units that wait for the unit of the phase.
      before,
      # For messages: what is missing if the secrets are not installed, what happens before the other units start, and the unit's name in sops-nix.
      without,
      afterwards,
      formerName ? null,
    }:
    let
      name = "sops-nix${phase.suffix}";
      # Mounts that hold keys have their own messages, in checks.nix, and so do units of sops.after that wait for our unit, in surroundings.nix.
      late = lib.filter (unit: !(isNamed unit && ordering.reaches [ "${name}.service" ] unit)) (
        lib.subtractLists ordering.keyMounts (ordering.waitingFor before "${name}.service")
      );
      isNamed = unit: lib.elem unit (map ordering.nameOf config.sops.after);
    in
    lib.optional (!phase.isEmpty) {
      assertion = !isReplaced name phase.installer;
      message =
        "systemd.services.${name} has another ExecStart, so it does not install the secrets with ${phase.option}, and ${without}: remove that ExecStart"
        + lib.optionalString (formerName != null) ", under the name ${formerName} as well"
        + ". Commands to run before or after the installation belong in ExecStartPre or ExecStartPost.";
    }
    ++ map (unit: {
      assertion = false;
      message =
        "${unit} must start before ${name}.service, but can start only after ${afterwards}, which is later: "
        + lib.optionalString (lib.hasSuffix ".mount" unit) "declare it in fileSystems with neededForBoot = true, or "
        + lib.optionalString (lib.hasSuffix ".service" unit) "set its unitConfig.DefaultDependencies to false and order it after no unit that starts later, or "
        + (
          if isNamed unit then
            "if only the secrets without ${phase.option} need it, set systemd.services.sops-nix.after and systemd.services.sops-nix.wants instead of sops.after."
          else
            "do not order it before ${name}.service."
        );
    }) late;
}
