# Secrets and templates that are needed before users exist.
{ ... }:

let
  host = module: {
    imports = [ module ];
    services.openssh.enable = true;
    sops.defaultSopsFile = ../files/secrets.yaml;
  };
  both = [
    "manifest.json"
    "manifest-for-users.json"
  ];
in
{
  early-secret-among-others = {
    shows = both ++ [
      "sops-nix-for-users.sh"
      "sops-nix.sh"
    ];
    module = host {
      sops.secrets.my-password.neededForUsers = true;
      sops.secrets."db/password" = { };
    };
  };

  early-secret-that-names-root = {
    shows = [ "manifest-for-users.json" ];
    module = host {
      sops.secrets.my-password = {
        neededForUsers = true;
        owner = "root";
      };
    };
  };

  early-secrets-only = {
    shows = both ++ [
      "sops-nix.service"
      "sops-nix-show-or-install.sh"
      "setupSecrets.snippet"
      "setupSecretsForUsers.snippet"
      "users.snippet"
    ];
    module = host {
      system.nixos.release = "25.11";
      sops.secrets.my-password.neededForUsers = true;
    };
  };

  early-secret-at-another-path = {
    shows = [
      "manifest-for-users.json"
      "sops-nix-for-users.service"
      "sops-nix-mount-for-users.sh"
    ];
    module = host {
      services.userborn.enable = true;
      sops.secrets.my-password = {
        neededForUsers = true;
        path = "/persist/passwords/alice";
      };
    };
  };

  # The regular manifest installs the secret once more, for the template. Its units are restarted only once.
  early-secret-in-a-regular-template = {
    shows = both;
    module =
      { config, ... }:
      {
        imports = [ (host { }) ];
        systemd.services.app = { };
        sops.secrets = {
          my-password = {
            neededForUsers = true;
            restartUnits = [ "app.service" ];
          };
          # This one is early too, but no template uses it.
          wifi.neededForUsers = true;
          "db/password" = { };
        };
        sops.templates."app.conf".content = ''
          ${config.sops.placeholder.my-password}
          ${config.sops.placeholder."db/password"}
        '';
      };
  };

  # Of the two secrets called db/password, a template of the regular phase has its own.
  early-secrets-named-in-regular-templates = {
    shows = both;
    module =
      { config, ... }:
      {
        imports = [ (host { }) ];
        sops.secrets = {
          my-password.neededForUsers = true;
          wifi.neededForUsers = true;
          "db/password" = { };
          early = {
            name = "db/password";
            key = "wifi";
            neededForUsers = true;
          };
        };
        sops.templates.named.content = "@sops:my-password|sh@ @sops:db/password@";
        sops.templates.filtered.content = config.sops.filtered.wifi.json;
      };
  };

  early-template = {
    shows = both ++ [
      "sops-nix.service"
      "sops-nix-for-users.service"
    ];
    module =
      { config, ... }:
      {
        imports = [ (host { }) ];
        services.userborn.enable = true;
        sops.secrets.my-password.neededForUsers = true;
        sops.templates."passwords" = {
          neededForUsers = true;
          content = "alice:${config.sops.placeholder.my-password}";
        };
      };
  };

  # They are in two directories, so they are two files.
  secrets-of-one-name-in-both-phases = {
    shows = both;
    module = host {
      sops.secrets.password = {
        neededForUsers = true;
        key = "my-password";
      };
      sops.secrets."db/password".name = "password";
    };
  };
  templates-of-one-name-in-both-phases = {
    shows = both;
    module = host {
      sops.templates.early = {
        neededForUsers = true;
        name = "conf";
        content = "early";
      };
      sops.templates.conf.content = "regular";
    };
  };
}
