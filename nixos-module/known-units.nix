# Which names belong to units that NixOS knows.
{ config, lib }:

let
  # The unit that quadlet makes from a podman file.
  quadletUnit =
    name:
    let
      suffixes = {
        container = "";
        kube = "";
        build = "-build";
        image = "-image";
        network = "-network";
        pod = "-pod";
        volume = "-volume";
      };
      kind = lib.last (lib.splitString "." name);
    in
    if lib.hasInfix "." name && suffixes ? ${kind} then
      "${lib.removeSuffix ".${kind}" name}${suffixes.${kind}}.service"
    else
      null;
  quadletUnits = lib.filter (unit: unit != null) (
    map (file: quadletUnit (baseNameOf file)) (
      lib.filter (lib.hasPrefix "containers/systemd/") (lib.attrNames config.environment.etc)
    )
  );

  # The names of all units that NixOS knows, aliases included.
  knownUnits =
    quadletUnits
    ++ lib.attrNames config.systemd.units
    ++ lib.concatMap (unit: unit.aliases or [ ]) (lib.attrValues config.systemd.units);

  unitSuffixes = [
    "service"
    "socket"
    "device"
    "mount"
    "automount"
    "swap"
    "target"
    "path"
    "timer"
    "slice"
    "scope"
  ];
  # As for systemd, a name without a type means a service.
  fullName =
    unit:
    if lib.any (suffix: lib.hasSuffix ".${suffix}" unit) unitSuffixes then unit else "${unit}.service";

  inherit (import ./unit-templates.nix { inherit lib; }) isInstance templateUnit;
  isKnown =
    unit: lib.elem unit knownUnits || (isInstance unit && lib.elem (templateUnit unit) knownUnits);
in
{
  inherit fullName isKnown quadletUnit;
}
