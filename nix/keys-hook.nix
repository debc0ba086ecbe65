# The shell hook that imports OpenPGP keys. With `fingerprints` it names them in SOPS_PGP_FP as well, for `sops --encrypt`.
{
  makeSetupHook,
  gnupg,
  sops,
  name,
  fingerprints,
}:
makeSetupHook {
  inherit name;
  substitutions = {
    inherit name;
    gpg = "${gnupg}/bin/gpg";
    fingerprints = if fingerprints then "yes" else "";
  };
  propagatedBuildInputs = [
    gnupg
    sops
  ];
} ./keys-hook.bash
