# The units in `neededBy` of secrets and templates, which start after the unit that installs these. The order is a setting of our units, because which units
# there are must not depend on the secrets.
{
  config,
  lib,
  pkgs,
}:

let
  cfg = import ../module-common/in-effect.nix { inherit config lib; };
  phases = import ./phases.nix { inherit config lib pkgs; };
  deferral = import ./deferral.nix { inherit lib pkgs cfg; };
  inherit (import ./known-units.nix { inherit config lib; }) fullName;
  inherit (import ./needs.nix { inherit lib; }) isRegular;

  # Early secrets are there before any unit that could name them.
  regular = lib.filter ({ entry, ... }: isRegular entry) phases.entries;
  sorted = lib.partition ({ entry, ... }: deferral.mayBeDeferred entry) regular;

  unitsOf = lib.concatMap ({ entry, ... }: map fullName entry.neededBy);
  # The units must not want it: each of their starts would try a failed installation again.
  settings = entries: { before = lib.unique (unitsOf entries); };
in
{
  # Settings of the unit that asks key services, and of the regular one.
  online = settings sorted.right;
  regular = settings sorted.wrong;

  # The entries that units may have to wait for until the network is there.
  late = sorted.right;
  inherit fullName;
}
