# smoke
{ lib, pkgs }: {
  defaults = {
    shows = [
      "manifest.json"
      "sops-nix.sh"
      "sops-nix-mount.sh"
      "sops-nix-show-or-install.sh"
      "sops-nix-generate-age-key.sh"
      "sops-nix.service"
      "setupSecrets.snippet"
    ];
    module = {
      sops.defaultSopsFile = ../files/secrets.yaml;
      sops.secrets."db/password" = { };
      sops.useTmpfs = true;
      sops.age.keyFile = "/x";
      sops.age.plugins = [ pkgs.hello ];
      services.openssh.enable = true;
    };
  };
}
