# `sops.enable = false`: nothing is installed, no key is asked for, and whatever waits for the units starts.
{ ... }:

let
  # As a module that many hosts share would have it. There is no sops file, and no key.
  declared = {
    sops.enable = false;
    sops.defaultSopsFile = ./no-such-file.yaml;
    sops.hostRecipients = [ ./no-such-key.pub ];
    sops.secrets."db/password".owner = "nobody-has-this-name";
    sops.secrets."db/password".group = "nor-this";
    sops.secrets.my-password.neededForUsers = true;
    sops.secrets.disk.neededForFileSystems = true;
  };
  shown = [
    "manifest.json"
    "manifest-for-users.json"
    "manifest-for-file-systems.json"
    "sops-nix.service"
    "sops-nix-for-users.service"
    "sops-nix-for-file-systems.service"
    "sops-nix.target"
    "sops-nix.sh"
    "sops-nix-for-users.sh"
    "sops-nix-for-file-systems.sh"
    "sops-nix-mount.sh"
    "sops-nix-mount-for-users.sh"
    "sops-nix-mount-for-file-systems.sh"
    "app.service"
    "passwords"
    "services"
  ];
in
{
  disabled = {
    shows = shown;
    module =
      { config, ... }:
      {
        imports = [ declared ];
        services.userborn.enable = true;
        users.users.alice.hashedPasswordFile = config.sops.secrets.my-password.path;
        sops.age = {
          keyFile = "/var/lib/sops-nix/key.txt";
          keyCredential = "sops-age-key";
          generateKey = true;
        };
        sops.credentials.app.password = "db/password";
        systemd.services.app = {
          restartTriggers = [ config.sops.secrets."db/password".sopsFileHash ];
          wantedBy = [ "multi-user.target" ];
          requires = [
            "sops-nix.target"
            "sops-nix.service"
            "sops-nix-for-users.service"
            "sops-nix-for-file-systems.service"
          ];
          after = [ "sops-nix.target" ];
          serviceConfig = {
            Type = "oneshot";
            RemainAfterExit = true;
            ExecStart = "/bin/true";
          };
        };
      };
  };

  disabled-with-scripts = {
    shows = [
      "manifest.json"
      "manifest-for-users.json"
      "sops-nix.service"
      "sops-nix.sh"
      "sops-nix-for-users.sh"
      "sops-nix-mount.sh"
      "sops-nix-show-or-install.sh"
      "setupSecrets.snippet"
      "setupSecretsForUsers.snippet"
      "scripts"
    ];
    module = {
      imports = [ declared ];
      system.nixos.release = "25.11";
      sops.age.keyFile = "/var/lib/sops-nix/key.txt";
      sops.age.generateKey = true;
    };
  };
}
