# Whether a text of the configuration names a secret of the regular phase by its path: one in the directory of secrets, or a declared path.
{ cfg, lib }:

let
  inherit (import ./needs.nix { inherit lib; }) isRegular;
in
rec {
  namesAny = import ../module-common/names-any.nix { inherit lib; };

  namesSecret = namesAny (
    lib.unique (
      [ "${cfg.secretsDir}/" ]
      ++ map (entry: entry.path) (
        lib.filter isRegular (lib.attrValues cfg.secrets ++ lib.attrValues cfg.templates)
      )
    )
  );
}
