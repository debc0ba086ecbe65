# What is refused or warned of at evaluation. Each message ends with what to set.
{
  config,
  lib,
  options,
  ...
}:

let
  cfg = import ../module-common/in-effect.nix { inherit config lib; };
  keySources = import ../module-common/key-sources.nix { inherit lib cfg; };
  commonChecks = import ../module-common/checks.nix { inherit lib cfg; };
  isSet = import ../module-common/is-set.nix { inherit lib; };
  ownershipChecks = import ../module-common/ownership-checks.nix { inherit lib; };

  entries =
    kind:
    lib.mapAttrsToList (name: entry: {
      inherit kind entry;
      option = "sops.${kind}.${lib.strings.escapeNixIdentifier name}";
      directory = cfg.secretsDir;
      inherit (entry)
        name
        path
        install
        ;
      units = entry.restartUnits ++ entry.reloadUnits;
    }) cfg.${kind};
  places = entries "secrets" ++ entries "templates";

  early = lib.attrNames (lib.filterAttrs (_: secret: secret.neededForUsers) cfg.secrets);
in
{
  assertions =
    commonChecks.assertions {
      hasKeys = keySources.any;
      keyOptions = "sops.age.keyFile, sops.age.sshKeyPaths or sops.gnupg.home";
      inherit places;
    }
    ++ import ../module-common/not-on-macos.nix { inherit cfg places; }
    ++ lib.concatMap ({ option, entry, ... }: ownershipChecks { inherit option entry; }) places
    ++ map (name: {
      assertion = false;
      message = "sops.secrets.${lib.strings.escapeNixIdentifier name} has neededForUsers, but nix-darwin sets no passwords of users: remove neededForUsers on this host.";
    }) early;

  warnings =
    commonChecks.warnings
    ++ lib.optionals (!isSet options.sops.keyServices.enable) commonChecks.warningsOnMacos;
}
