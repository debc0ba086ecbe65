# Configurations as guides teach them, word for word where it matters.
{ pkgs, ... }:

let
  services =
    names:
    builtins.listToAttrs (
      map (name: {
        inherit name;
        value = { };
      }) names
    );
in
{
  guide-generated-key-file = {
    shows = [
      "manifest.json"
      "sops-nix.service"
      "generate-age-key.snippet"
      "sops-nix-generate-age-key.sh"
    ];
    module.sops = {
      defaultSopsFile = ../files/secrets.yaml;
      age.sshKeyPaths = [ "/etc/ssh/ssh_host_ed25519_key" ];
      age.keyFile = "/var/lib/sops-nix/key.txt";
      age.generateKey = true;
      secrets."nginx/htpasswd" = { };
    };
  };

  guide-owner-group-and-mode = {
    shows = [ "manifest.json" ];
    module =
      { config, ... }:
      {
        services.openssh.enable = true;
        users.users.nginx.group = "nginx";
        sops.defaultSopsFile = ../files/secrets.yaml;
        sops.secrets."nginx/htpasswd" = {
          mode = "0440";
          owner = config.users.users.nginx.name;
          group = config.users.users.nginx.group;
        };
      };
  };

  guide-password-of-a-user = {
    shows = [
      "manifest-for-users.json"
      "passwords"
    ];
    module =
      { config, ... }:
      {
        services.openssh.enable = true;
        sops.defaultSopsFile = ../files/secrets.yaml;
        sops.secrets.my-password.neededForUsers = true;
        users.users.mic92 = {
          isNormalUser = true;
          group = "users";
          hashedPasswordFile = config.sops.secrets.my-password.path;
        };
      };
  };

  guide-binary-file-of-its-own = {
    shows = [ "manifest.json" ];
    module = {
      services.openssh.enable = true;
      sops.secrets.krb5-keytab = {
        format = "binary";
        sopsFile = ../files/keytab.bin;
      };
    };
  };

  # The link is in the directory of the secrets itself, under a name that no secret has.
  guide-path-within-run-secrets = {
    shows = [ "manifest.json" ];
    module = {
      services.openssh.enable = true;
      sops.defaultSopsFile = ../files/secrets.yaml;
      sops.secrets.deepseek_api_key.path = "/run/secrets/deepseek-api-key";
    };
  };

  guide-path-under-etc-and-in-a-home = {
    shows = [ "manifest.json" ];
    module = {
      services.openssh.enable = true;
      users.users.alice.group = "users";
      sops.defaultSopsFile = ../files/secrets.yaml;
      sops.secrets = {
        wifi.path = "/etc/NetworkManager/wifi.secret";
        ssh_key = {
          owner = "alice";
          mode = "0600";
          path = "/home/alice/.ssh/id_ed25519";
        };
      };
    };
  };

  guide-template-for-a-service = {
    shows = [
      "manifest.json"
      "app.service"
    ];
    module =
      { config, ... }:
      {
        services.openssh.enable = true;
        users.users.serviceuser.group = "service";
        sops = {
          defaultSopsFile = ../files/secrets.yaml;
          secrets."db/password" = { };
          templates."your-config-with-secrets.toml" = {
            owner = "serviceuser";
            mode = "0440";
            content = ''
              password = "${config.sops.placeholder."db/password"}"
            '';
          };
          templates."app.env" = {
            path = "/etc/app.env";
            content = "DB_PASSWORD=${config.sops.placeholder."db/password"}";
          };
        };
        systemd.services.app.serviceConfig = {
          ExecStart = "${pkgs.hello}/bin/hello --config ${
            config.sops.templates."your-config-with-secrets.toml".path
          }";
          EnvironmentFile = config.sops.templates."app.env".path;
          User = "serviceuser";
        };
      };
  };

  guide-restart-units = {
    shows = [ "manifest.json" ];
    module = {
      services.openssh.enable = true;
      systemd.services = services [
        "home-assistant"
        "nginx"
      ];
      sops.defaultSopsFile = ../files/secrets.yaml;
      sops.secrets."db/password" = {
        restartUnits = [ "home-assistant.service" ];
        reloadUnits = [ "nginx.service" ];
      };
    };
  };

  guide-no-ssh-keys = {
    shows = [ "manifest.json" ];
    module = {
      services.openssh.enable = true;
      sops = {
        defaultSopsFile = ../files/secrets.yaml;
        age.keyFile = "/home/alice/.config/sops/age/keys.txt";
        age.sshKeyPaths = [ ];
        gnupg.sshKeyPaths = [ ];
        secrets."db/password" = { };
      };
    };
  };

  guide-file-outside-the-store = {
    shows = [ "manifest.json" ];
    module.sops = {
      defaultSopsFile = "/root/.sops/secrets/example.yaml";
      validateSopsFiles = false;
      age.keyFile = "/root/.config/sops/age/keys.txt";
      secrets."db/password" = { };
    };
  };

  guide-file-of-the-environment = {
    shows = [ "manifest.json" ];
    module =
      { lib, ... }:
      let
        environment = "production";
      in
      {
        services.openssh.enable = true;
        sops.defaultSopsFile = lib.mkDefault (../files + "/${environment}.yaml");
        sops.secrets."db/password" = { };
      };
  };

  guide-one-key-for-many-owners = {
    shows = [ "manifest.json" ];
    module = {
      services.openssh.enable = true;
      users.users.grafana.group = "grafana";
      users.users.prometheus.group = "prometheus";
      sops.defaultSopsFile = ../files/secrets.yaml;
      sops.secrets = {
        "grafana/shared" = {
          key = "shared";
          owner = "grafana";
        };
        "prometheus/shared" = {
          key = "shared";
          owner = "prometheus";
        };
      };
    };
  };

  # Some guides order units by the new name, some by the old one.
  guide-units-that-wait-for-the-secrets = {
    shows = [
      "app.service"
      "sops-nix.service"
    ];
    module = {
      services.openssh.enable = true;
      sops.defaultSopsFile = ../files/secrets.yaml;
      sops.secrets."db/password" = { };
      systemd.services.app = {
        after = [ "sops-nix.service" ];
        wants = [ "sops-nix.service" ];
      };
    };
  };
}
