# home-manager.
{ pkgs, ... }:

let
  user = shows: module: {
    system = "home";
    inherit shows;
    module = {
      imports = [ module ];
      sops.defaultSopsFile = ../files/secrets.yaml;
    };
  };
  all = [
    "manifest.json"
    "sops-nix.service"
    "sops-nix-user.sh"
    "activation.snippet"
    "session-variables"
  ];
  key.sops.age.keyFile = "/home/alice/.config/sops/age/keys.txt";
in
{
  home-defaults = user all {
    imports = [ key ];
    sops.secrets."db/password" = { };
  };

  home-units-to-restart-and-reload = user [ "manifest.json" "sops-nix-user.sh" "sops-nix.service" ] {
    imports = [ key ];
    sops.secrets."db/password".restartUnits = [ "app.service" ];
    sops.templates.conf = {
      content = "x";
      reloadUnits = [ "bar" ];
    };
  };

  home-directories-with-rights = user [ "manifest.json" ] {
    imports = [ key ];
    sops.secrets."db/password" = { };
    sops.directories.db.mode = "0700";
  };

  home-directory-with-an-owner = user [ ] {
    imports = [ key ];
    sops.secrets."db/password" = { };
    sops.directories.db = {
      mode = "0700";
      owner = "alice";
    };
  };

  home-key-service-of-azure = user [ "manifest.json" ] {
    sops.secrets."db/password" = { };
    sops.keyServices.azure = {
      tenantId = "11111111-2222-3333-4444-555555555555";
      clientId = "66666666-7777-8888-9999-aaaaaaaaaaaa";
      certificateFile = "/home/alice/azure.pem";
    };
  };

  # A home does not know on which host it is.
  home-secret-that-is-hashed = user [ "manifest.json" ] {
    imports = [ key ];
    sops.secrets.shared.transform = "htpasswd:alice";
  };

  home-copy = user [ "manifest.json" ] {
    imports = [ key ];
    sops.secrets."db/password" = {
      path = "%r/app/password";
      install = "copy";
    };
  };

  home-watched = user [ "manifest.json" ] {
    imports = [ key ];
    sops.watch = true;
    sops.secrets."db/password".watch = true;
    sops.templates.conf = {
      content = "x";
      watch = true;
    };
  };

  home-files-of-variables-of-units = user [ "manifest.json" ] (
    { config, ... }:
    {
      imports = [ key ];
      systemd.user.services.app.Service.EnvironmentFile = [
        config.sops.secrets."app.env".path
        "-%t/other.env"
        "%h/.config/third.env"
      ];
      sops.secrets."app.env" = {
        format = "dotenv";
        sopsFile = ../files/app.env;
      };
      sops.templates."other.env" = {
        content = "A=1";
        path = "%r/other.env";
      };
      sops.templates."third.env" = {
        content = "A=1";
        as = "docker-env";
        path = "/home/alice/.config/third.env";
      };
    }
  );

  # When the last secret is removed, so is everything that was installed.
  home-without-secrets = user [ "manifest.json" "services" "activation.snippet" ] { };
  # The unit is there for those that require it; what was installed is removed. There is no key, and no sops file.
  home-disabled = user [ "sops-nix.service" "activation.snippet" ] {
    sops.enable = false;
    sops.defaultSopsFile = ./no-such-file.yaml;
    sops.secrets."db/password" = { };
    sops.hostRecipients = [ ./no-such-key.pub ];
    # As it may be set for the time when the module is on.
    systemd.user.services.sops-nix.Unit.Description = "The secrets of alice";
  };

  home-guide-run-time-directory = user [ "manifest.json" ] {
    imports = [ key ];
    sops.secrets = {
      "context7/api-key" = {
        key = "context7_api_key";
        path = "%r/context7/api-key";
      };
      # A percent sign.
      wifi.path = "/home/alice/100%%r";
    };
  };

  home-guide-ssh-key = user [ "manifest.json" ] {
    imports = [ key ];
    sops.secrets.ssh_key = {
      mode = "0600";
      path = "/home/alice/.ssh/id_ed25519";
    };
  };

  home-secret-with-every-option = user [ "manifest.json" ] {
    imports = [ key ];
    sops = {
      keepGenerations = 3;
      log = [ ];
      validateSopsFiles = false;
      defaultSopsKey = "shared";
      secrets.default-key = { };
      secrets.all = {
        name = "named";
        key = "db/password";
        path = "/home/alice/elsewhere";
        format = "json";
        mode = "0440";
        sopsFile = "/home/alice/secrets.json";
      };
    };
  };

  home-secret-with-a-name = user [ "manifest.json" ] {
    imports = [ key ];
    sops.secrets."db/password".name = "password";
  };

  home-template = user [ "manifest.json" ] (
    { config, ... }:
    {
      imports = [ key ];
      sops.secrets."db/password" = { };
      sops.templates = {
        "app.toml".content = "password = ${config.sops.placeholder."db/password"}";
        "app.env" = {
          path = "%r/app.env";
          mode = "0600";
          file = ../files/app.conf.template;
        };
      };
    }
  );

  # No path here needs a run-time directory, so the activation does not wait for one.
  home-places-without-a-run-time-directory = user [ "manifest.json" "activation.snippet" ] {
    imports = [ key ];
    sops = {
      defaultSecretsMountPoint = "/dev/shm/alice/secrets.d";
      defaultSymlinkPath = "/home/alice/secrets";
      secrets."db/password" = { };
      templates."t".content = "x";
    };
  };

  home-generated-key = user all {
    imports = [ key ];
    sops.age.generateKey = true;
    sops.secrets."db/password" = { };
  };

  home-ssh-key-as-age-key = user [ "manifest.json" ] {
    sops.age.sshKeyPaths = [ "/home/alice/.ssh/id_ed25519" ];
    sops.secrets."db/password" = { };
  };

  # Only the user manager can give a credential.
  home-key-credential = user all {
    sops.age.keyCredential = "sops-age-key";
    sops.keyTimeout = 60;
    sops.secrets."db/password" = { };
  };

  home-gnupg = user all {
    sops.gnupg.home = "/home/alice/.gnupg";
    sops.secrets."db/password" = { };
  };

  home-gnupg-ssh-keys = user [ "manifest.json" ] {
    sops.gnupg.sshKeyPaths = [ "/home/alice/.ssh/id_rsa" ];
    sops.secrets."db/password" = { };
  };

  home-qubes-split-gpg = user all {
    sops.gnupg.qubes-split-gpg = {
      enable = true;
      domain = "vault-gpg";
    };
    sops.secrets."db/password" = { };
  };

  home-plugins-and-environment = user [ "sops-nix-user.sh" "check-phase" ] {
    imports = [ key ];
    sops.age.plugins = [ pkgs.age-plugin-yubikey ];
    sops.environment.FOO = "bar";
    sops.package = pkgs.hello;
    sops.secrets."db/password" = { };
  };

  home-says-no-key-source = user [ ] { sops.secrets."db/password" = { }; };

  home-says-split-gpg-without-domain = user [ ] {
    sops.gnupg.qubes-split-gpg.enable = true;
    sops.secrets."db/password" = { };
  };

  home-says-split-gpg-beside-other-keys = user [ ] {
    sops.gnupg = {
      home = "/home/alice/.gnupg";
      sshKeyPaths = [ "/home/alice/.ssh/id_rsa" ];
      qubes-split-gpg = {
        enable = true;
        domain = "vault-gpg";
      };
    };
    sops.secrets."db/password" = { };
  };

  home-says-generated-key-without-file = user [ ] {
    sops.age.generateKey = true;
    sops.age.sshKeyPaths = [ "/home/alice/.ssh/id_ed25519" ];
    sops.secrets."db/password" = { };
  };

  home-says-two-things-at-one-path = user [ ] {
    imports = [ key ];
    sops.secrets."db/password".path = "/home/alice/x";
    sops.templates.t = {
      content = "x";
      path = "/home/alice/x";
    };
  };

  home-says-sops-file-outside-the-store = user [ ] {
    imports = [ key ];
    sops.secrets."db/password".sopsFile = "/home/alice/secrets.yaml";
  };

  home-unused-secrets = user [ "unused-secrets" ] (
    { config, ... }:
    {
      imports = [ key ];
      sops.secrets.token = { };
      sops.secrets."db/password" = { };
      sops.secrets.unused = { };
      sops.envFiles.app.TOKEN = "token";
      home.sessionVariables.FILE = config.sops.secrets."db/password".path;
    }
  );
}
