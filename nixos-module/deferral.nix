# Which secrets and templates only a key service may be able to open, so that they come once the network is there. A sops file tells it if it can be read while
# the configuration is evaluated.
{
  lib,
  pkgs,
  cfg,
}:

let
  inherit (import ./needs.nix { inherit lib; }) isRegular;
  inherit (import ../module-common/mentions.nix { inherit lib pkgs cfg; }) marksOf mentions;

  # What the entries of keys have in them that are with their owner, and what those of services have, in all formats. A list of entries may be there and have
  # none: `azure_kv: []`, `"azure_kv": null`.
  ofKeys = [
    "-----BEGIN AGE ENCRYPTED FILE-----"
    "-----BEGIN PGP MESSAGE-----"
  ];
  ofServices = [
    "arn:aws"
  ]
  ++
    lib.concatMap
      (list: [
        "${list}:\n"
        "\"${list}\": ["
        "\"${list}\":["
        "${list}__list_"
      ])
      [
        "azure_kv"
        "gcp_kms"
        "hc_vault"
        "hckms"
      ];
  # A large file is too much for a regular expression.
  hasAny = words: text: builtins.replaceStrings words (map (_: "") words) text != text;

  # Whether the file is there before anything is built.
  isSource =
    file:
    if builtins.isPath file then
      builtins.pathExists file
    else
      lib.hasPrefix "${builtins.storeDir}/" "${file}"
      && lib.all (context: !(context ? outputs || context ? allOutputs)) (
        lib.attrValues (builtins.getContext "${file}")
      )
      && builtins.pathExists file;

  # The recipients of this host, if the configuration names them, as sops files do.
  recipients =
    lib.filter (line: builtins.match "(age1|ssh-|[0-9A-F]).*" line != null)
      (import ../module-common/host-recipients.nix { inherit lib cfg; }).lines;

  # Who could open the file: key services, the keys of this host, any key; null if nobody knows.
  openers =
    file:
    if !isSource file then
      null
    else
      let
        text = builtins.readFile file;
      in
      {
        services = hasAny ofServices text;
        host = recipients != [ ] && hasAny recipients text;
        keys = hasAny ofKeys text;
      };
  openersOf = lib.mapAttrs (_: secret: openers secret.sopsFile) cfg.secrets;

  secretsIn =
    template:
    lib.filter (name: mentions true (marksOf cfg.secrets name cfg.secrets.${name}) template) (
      lib.attrNames cfg.secrets
    );
  isTemplate = entry: !entry ? sopsFile;
  ofAny =
    is: entry:
    if isTemplate entry then
      lib.any (name: is openersOf.${name}) (secretsIn entry)
    else
      is (openers entry.sopsFile);

  waits = known: known.services && !known.host;
  mayBeOptional = entry: entry.optional || entry.onFailure != "abort";
  isInUse = entry: cfg.keyServices.enable && isRegular entry;
in
{
  # Whether it waits for key services, as far as its file says: no key is known to be on this host.
  waits = entry: isInUse entry && ofAny (known: known != null && waits known) entry;

  # Whether it may have to wait for them.
  mayBeDeferred = entry: isInUse entry && ofAny (known: known == null || waits known) entry;

  # Whether it is needed before they can be asked, and nothing else could open its file.
  isTooEarly =
    entry:
    cfg.keyServices.enable
    && !isRegular entry
    && !isTemplate entry
    && !mayBeOptional entry
    && ofAny (known: known != null && known.services && !known.keys) entry;
}
