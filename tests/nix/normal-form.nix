# Turns a manifest into what it means to the program, so that manifests of our modules and of those of sops-nix can be compared.
{ lib }:

let
  secretOf =
    ownership: secret:
    removeAttrs secret [
      "sopsFileHash"
      "neededForUsers"
    ]
    // ownership secret;

  templateOf =
    ownership: template:
    # The units that read it matter to warnings alone.
    removeAttrs template [
      "neededForUsers"
      "environmentFileOf"
    ]
    // ownership template
    # If both are set, the program takes the content.
    // lib.optionalAttrs ((template.content or "") != "") { file = ""; };

  numbers =
    entry:
    lib.optionalAttrs (entry ? uid) {
      uid = if entry.uid == null then 0 else entry.uid;
      gid = if entry.gid == null then 0 else entry.gid;
    };
in
text:
let
  manifest = builtins.fromJSON (builtins.unsafeDiscardStringContext text);
  secrets = map (secretOf numbers) manifest.secrets;
  names = map (secret: secret.name) secrets;
in
removeAttrs manifest [ "version" ]
// {
  useTmpfs = manifest.useTmpfs or false;
  secrets = lib.sortOn (secret: secret.name) secrets;
  templates = lib.sortOn (template: template.name) (map (templateOf numbers) manifest.templates);
  # Placeholders of secrets in another manifest are never looked up.
  placeholderBySecretName = lib.filterAttrs (
    name: _: manifest.templates != [ ] && lib.elem name names
  ) manifest.placeholderBySecretName;
}
