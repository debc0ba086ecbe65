# Whether templates use secrets.
{
  lib,
  pkgs,
  cfg,
}:

let
  templateText = import ./template-text.nix { inherit lib pkgs; };

  # Whether evaluation can read the file, without building anything.
  isReadable = file: !builtins.hasContext "${toString file}" && builtins.pathExists file;
in
{
  # The beginnings of what stands for a secret in a template of a manifest with these other secrets. Of two secrets with one name, that of the manifest
  # counts.
  marksOf =
    others: name: secret:
    [ (lib.removeSuffix ":PLACEHOLDER>" "${cfg.placeholder.${name}}") ]
    ++ lib.optionals (!lib.any (other: other.name == secret.name) (lib.attrValues others)) [
      "@sops:${secret.name}@"
      "@sops:${secret.name}|"
    ];

  # Whether the template contains one of the marks. If its text is only known after a build, the answer is `otherwise`.
  mentions =
    otherwise: marks: template:
    let
      isOwn = templateText.hasOwnFile template;
      text = if isOwn then builtins.readFile template.file else template.content;
    in
    if isOwn && !isReadable template.file then
      otherwise
    else
      # `lib.hasInfix` is not used, because its regular expression overflows the stack on a long text.
      builtins.replaceStrings marks (map (_: "") marks) text != text;
}
