# Installs sample secrets as a plain user, below a temporary directory, and shows them.
{ pkgs, sops-install-secrets }:

let
  secret = name: {
    inherit name;
    key = name;
    path = "%r/secrets/${name}";
    sopsFile = ../tests/nix/files/secrets.yaml;
    format = "yaml";
    mode = "0400";
  };

  token = "<SOPS:${builtins.hashString "sha256" "db/password"}:PLACEHOLDER>";

  manifest = pkgs.writeText "manifest.json" (
    builtins.toJSON {
      version = 1;
      secrets = map secret [
        "db/user"
        "db/password"
        "nginx/htpasswd"
      ];
      templates = [
        {
          name = "db.conf";
          path = "%r/secrets/rendered/db.conf";
          content = "password = ${token}\n";
          mode = "0440";
        }
      ];
      placeholderBySecretName."db/password" = token;
      secretsMountPoint = "%r/secrets.d";
      symlinkPath = "%r/secrets";
      keepGenerations = 1;
      ageKeyFile = ../tests/fixtures/keys/age.txt;
      userMode = true;
      logging = {
        keyImport = true;
        secretChanges = true;
      };
    }
  );
in
pkgs.writeShellApplication {
  name = "sops-install-secrets-demo";
  runtimeInputs = [
    pkgs.coreutils
    pkgs.findutils
    pkgs.jq
    sops-install-secrets
  ];
  text = ''
    XDG_RUNTIME_DIR=$(mktemp -d)
    export XDG_RUNTIME_DIR
    trap 'rm -rf "$XDG_RUNTIME_DIR"' EXIT

    echo "The manifest:"
    jq . ${manifest}
    echo "What the program says:"
    sops-install-secrets -ignore-passwd ${manifest}
    echo "What there is now:"
    cd "$XDG_RUNTIME_DIR"
    find . -printf '%M %p %l\n'
    echo "The rendered template:"
    cat secrets/rendered/db.conf
  '';
}
