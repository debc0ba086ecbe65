# smoke
{ lib, pkgs }: {
  home = {
    system = "home";
    shows = [
      "manifest.json"
      "sops-nix.service"
      "sops-nix-user.sh"
      "activation.snippet"
    ];
    module = {
      sops.defaultSopsFile = ../files/secrets.yaml;
      sops.secrets."db/password" = { };
      sops.age.keyFile = "/home/alice/k";
      sops.age.generateKey = true;
    };
  };
}
