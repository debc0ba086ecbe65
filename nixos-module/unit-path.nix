# Paths in the form that unit files need.
{ lib }:

let
  # A percent sign begins a specifier of systemd.
  plain = lib.replaceStrings [ "%" ] [ "%%" ];
in
{
  # For a field whose value is one path: quotes would be part of the path.
  inherit plain;

  # For a field whose value is a list, separated by blanks: the path is quoted.
  quoted = path: "\"${lib.replaceStrings [ "\\" "\"" ] [ "\\\\" "\\\"" ] (plain path)}\"";
}
