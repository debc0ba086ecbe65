# Paths as unit files spell them.
{ lib }:

let
  # A specifier of systemd's begins with a percent sign.
  plain = lib.replaceStrings [ "%" ] [ "%%" ];
in
{
  # Where the whole value is one path, quotes would be part of it.
  inherit plain;

  # Where a value is a list, blanks and quotes separate.
  quoted = path: "\"${lib.replaceStrings [ "\\" "\"" ] [ "\\\\" "\\\"" ] (plain path)}\"";
}
