# The placeholders with which a secret is written into a template by a filter. `placeholder` is the secret's own, `option` its option for messages.
{ lib }:

{ placeholder, option }:

let
  closing = ":PLACEHOLDER>";
  # The program finds the filter before the end of a placeholder.
  withFilter =
    filter:
    if lib.hasPrefix "<SOPS:" placeholder && lib.hasSuffix closing placeholder then
      "${lib.removeSuffix closing placeholder}:${filter}${closing}"
    else
      throw "${option} is set, so it has no filters: remove that definition";
in
lib.genAttrs [
  "json"
  "yaml"
  "env"
  "sh"
  "nix"
  "url"
  "xml"
  "base64"
  "first-line"
] withFilter
// {
  indent =
    columns:
    if lib.isInt columns && columns >= 1 && columns <= 99 then
      withFilter "indent-${toString columns}"
    else
      throw "indent takes a number of spaces from 1 to 99";
}
