# Small programs beside ours: the helpers for OpenPGP keys that sops-nix has, and one for git.
{ pkgs }:
let
  hook = name: fingerprints: pkgs.callPackage ./keys-hook.nix { inherit name fingerprints; };
in
{
  sops-import-keys-hook = hook "sops-import-keys-hook" false;
  sops-pgp-hook = hook "sops-pgp-hook" true;
  sops-init-gpg-key = pkgs.writeShellApplication {
    name = "sops-init-gpg-key";
    runtimeInputs = [
      pkgs.coreutils
      pkgs.gnupg
      pkgs.gnused
      pkgs.hostname
    ];
    text = builtins.readFile ./init-gpg-key.sh;
  };
  git-credential-sops = pkgs.symlinkJoin {
    name = "git-credential-sops";
    paths = [
      (pkgs.writeShellApplication {
        name = "git-credential-sops";
        text = builtins.readFile ./git-credential-sops.sh;
      })
      (pkgs.runCommand "git-credential-sops-man" { } ''
        install -Dm 0444 ${./git-credential-sops.1} "$out/share/man/man1/git-credential-sops.1"
      '')
    ];
    meta.mainProgram = "git-credential-sops";
  };
  inherit (pkgs) ssh-to-pgp;
}
