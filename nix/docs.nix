# The site of the documents, made by docs/site.sh.
{
  lib,
  mdbook,
  python3,
  runCommand,
}:

runCommand "sops-install-secrets-docs"
  {
    nativeBuildInputs = [
      mdbook
      python3
    ];
    # All pages that docs/SUMMARY.md names, and the check of the links.
    src = lib.fileset.toSource {
      root = ../.;
      fileset = lib.fileset.unions [
        ../CHANGELOG.md
        ../CONTRIBUTING.md
        ../README.md
        ../SECURITY.md
        ../docs
        ../tests/docs/site.py
        ../tests/nix/README.md
        ../vm-tests/boot/README.md
        ../vm-tests/nixos/README.md
        ../vm-tests/upstream/README.md
      ];
    };
  }
  ''
    cp -r --no-preserve=mode "$src" project
    bash project/docs/site.sh "$out"
  ''
