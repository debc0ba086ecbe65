# What fields of unit files mean, in each spelling that systemd reads.
{ lib }:

rec {
  # Whether a value means no: systemd.syntax(7).
  isNo =
    value:
    lib.elem value [
      false
      "no"
      "false"
      "off"
      "0"
    ];

  # Whether systemd adds dependencies by itself, such as that on sysinit.target: systemd.unit(5).
  hasDefaults = unit: !isNo (unit.unitConfig.DefaultDependencies or true);
}
