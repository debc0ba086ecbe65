# Templates of units: systemd makes each instance, such as getty@tty1.service, of the template getty@.service.
{ lib }:

rec {
  isInstance = lib.hasInfix "@";

  # Whether `unit`, with its type, is a template and no instance.
  isTemplate = unit: builtins.match "[^@]*@\\.[a-z]+" unit != null;

  # `getty@` for `getty@tty1`.
  templateOf = name: "${lib.head (lib.splitString "@" name)}@";

  # `getty@.service` for `getty@tty1.service`.
  templateUnit = unit: "${templateOf unit}.${lib.last (lib.splitString "." unit)}";

  # `tty1` for `getty@tty1`.
  instanceOf = name: lib.concatStringsSep "@" (lib.drop 1 (lib.splitString "@" name));
}
