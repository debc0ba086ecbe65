# What each option does to the manifest.
{ lib, pkgs }:

let
  # Every case has one secret of the default file on a host with SSH, and the settings of the case.
  with-secret = secret: with-options { secrets."db/password" = secret; };
  with-options = options: {
    shows = [ "manifest.json" ];
    module = {
      services.openssh.enable = true;
      users.users.nginx.group = "web";
      systemd.services.nginx = { };
      systemd.services.app = { };
      sops = {
        defaultSopsFile = ../files/secrets.yaml;
      }
      // options;
    };
  };
in
{
  one-secret-with-defaults = with-secret { };

  # The programs that people type are on the search path, unless a configuration turns this off.
  command = {
    shows = [ "packages" ];
    module = { };
  };
  no-command = {
    shows = [ "packages" ];
    module.sops.installCommand = false;
  };

  warn-age = with-options {
    warnAge = 365;
    secrets."db/password" = { };
  };
  # Each phase has a file of its own. The unit may write to the directory.
  metrics = {
    shows = [
      "manifest.json"
      "manifest-for-users.json"
      "sops-nix.service"
    ];
    module = {
      services.userborn.enable = true;
      sops = {
        age.keyFile = "/var/lib/sops-nix/key.txt";
        metrics.enable = true;
        metrics.directory = "/metrics/nodes";
        defaultSopsFile = ../files/secrets.yaml;
        secrets."db/password" = { };
        secrets.my-password.neededForUsers = true;
      };
    };
  };

  # A host without secrets may import the module without setting anything.
  no-secret-at-all = {
    shows = [
      "manifest.json"
      "manifest-for-users.json"
      "sops-nix.service"
      "setupSecrets.snippet"
      "setupSecretsForUsers.snippet"
      "sops-nix-mount.sh"
      "sops-nix-show-or-install.sh"
    ];
    module.system.nixos.release = "25.11";
  };

  # When the last secret is removed from the configuration, it is removed from the host.
  no-secret-at-all-by-units = {
    shows = [
      "sops-nix.service"
      "sops-nix-for-users.service"
    ];
    module.sops.useSystemdActivation = true;
    module.services.userborn.enable = true;
  };

  secret-with-every-option = with-secret {
    name = "database/secret";
    key = "token";
    path = "/etc/app/password";
    format = "json";
    mode = "0440";
    owner = "nginx";
    group = "keys";
    sopsFile = ../files/config.json;
    restartUnits = [ "nginx.service" ];
    reloadUnits = [ "app.service" ];
  };

  # Files for programs that watch: one for a secret, one for a template, and one for each phase.
  watched = with-options {
    watch = true;
    secrets."db/password".watch = true;
    secrets.plain.key = "db/user";
    templates."app.env" = {
      content = "x";
      watch = true;
    };
  };

  # Files of environment variables, each for one reader.
  files-of-variables = with-options {
    secrets."app.env" = {
      format = "dotenv";
      sopsFile = ../files/app.env;
      as = "systemd-env";
    };
    templates."other.env" = {
      content = "A=1";
      as = "sh";
    };
  };

  # Files of environment variables that units read. The program is told of those that are not written for systemd.
  files-of-variables-of-units = {
    shows = [
      "manifest.json"
      "manifest-for-users.json"
    ];
    module =
      { config, ... }:
      let
        inherit (config.sops) secrets templates;
        env = {
          format = "dotenv";
          sopsFile = ../files/app.env;
        };
      in
      {
        services.openssh.enable = true;
        services.userborn.enable = true;
        systemd.services.app.serviceConfig.EnvironmentFile = [
          secrets."app.env".path
          "-/etc/app/elsewhere.env"
          secrets."written.env".path
          secrets.value.path
        ];
        systemd.services.early.serviceConfig.EnvironmentFile = secrets."early.env".path;
        systemd.services.other.serviceConfig.EnvironmentFile = "-${templates."app.env".path}";
        systemd.services.again.serviceConfig.EnvironmentFile = templates."app.env".path;
        systemd.services.off = {
          enable = false;
          serviceConfig.EnvironmentFile = secrets."unread.env".path;
        };
        sops.defaultSopsFile = ../files/secrets.yaml;
        sops.secrets."app.env" = env;
        sops.secrets."unread.env" = env;
        sops.secrets."elsewhere.env" = env // {
          path = "/etc/app/elsewhere.env";
        };
        sops.secrets."written.env" = env // {
          as = "systemd-env";
        };
        sops.secrets."early.env" = env // {
          neededForUsers = true;
        };
        sops.secrets.value.key = "db/user";
        sops.templates."app.env".content = "A=1";
      };
  };

  # Parts of files, by their keys and in forms.
  parts-of-files = with-options {
    secrets = {
      "db.json" = {
        key = "db";
        as = "json";
      };
      "db.env" = {
        key = "db";
        as = "sh";
      };
      "all.yaml" = {
        key = "";
        as = "yaml";
      };
      port.as = "lines";
      user.key = "[0][\"db\"][\"user\"]";
      mail = {
        format = "ini";
        sopsFile = ../files/settings.ini;
        key = "mail/password";
        as = "value";
      };
      token = {
        format = "dotenv";
        sopsFile = ../files/app.env;
        key = "API_TOKEN";
        as = "value";
      };
      # As in sops-nix, a key means nothing for such a file by itself.
      "app.env" = {
        format = "dotenv";
        sopsFile = ../files/app.env;
        key = "API_TOKEN";
      };
    };
  };

  secret-with-owner-takes-the-owners-group = with-secret { owner = "nginx"; };
  secret-with-group-and-no-owner = with-secret { group = "web"; };
  secret-with-owner-and-number-of-a-group = with-secret {
    owner = "nginx";
    group = null;
    gid = 3000;
  };
  secret-of-a-user-that-is-only-a-number = with-secret {
    uid = 1042;
    gid = 1043;
  };
  secret-with-null-numbers = with-secret {
    uid = null;
    gid = null;
    owner = "nginx";
  };
  secret-name-other-than-the-attribute = with-secret {
    name = "other";
  };
  # One in memory, one on a disk, and one of a secret that is a copy in its own phase only.
  copies = {
    shows = [
      "manifest.json"
      "manifest-for-users.json"
    ];
    module =
      { config, ... }:
      {
        services.openssh.enable = true;
        fileSystems."/" = {
          device = "/dev/sda1";
          fsType = "ext4";
        };
        sops = {
          defaultSopsFile = ../files/secrets.yaml;
          secrets."db/password" = {
            path = "/run/app/password";
            install = "copy";
          };
          secrets.my-password = {
            neededForUsers = true;
            path = "/var/lib/app/password";
            install = "copy";
            copyToDisk = true;
          };
          templates."app.conf" = {
            content = config.sops.placeholder.my-password;
            path = "/srv/app.conf";
            install = "copy";
            copyToDisk = true;
          };
        };
      };
  };
  secret-that-keeps-its-value = with-secret { onFailure = "keep"; };
  secret-without-its-line-end = with-secret {
    format = "binary";
    sopsFile = ../files/keytab.bin;
    trim = "newline";
  };
  secrets-that-are-transformed = {
    shows = [
      "manifest.json"
      "manifest-for-users.json"
      "sops-nix-for-users.service"
    ];
    module = {
      services.openssh.enable = true;
      services.userborn.enable = true;
      networking.hostName = "web1";
      sops.defaultSopsFile = ../files/secrets.yaml;
      sops.secrets = {
        "db/password".transform = "sha512-crypt";
        wifi = {
          transform = "yescrypt";
          neededForUsers = true;
        };
        shared.transform = "htpasswd:alice";
        # What is in a whole binary file, and in a file of variables, is a value as well.
        token = {
          format = "dotenv";
          sopsFile = ../files/app.env;
          as = "value";
          key = "API_TOKEN";
          transform = "htpasswd:bob";
          trim = "newline";
        };
      };
      sops.templates.htpasswd.content = "@sops:shared@@sops:token@\n";
    };
  };
  # Each phase has the rights of its own directories.
  directories-with-rights = {
    shows = [
      "manifest.json"
      "manifest-for-users.json"
    ];
    module = {
      services.openssh.enable = true;
      users.groups.web = { };
      sops.defaultSopsFile = ../files/secrets.yaml;
      sops.secrets = {
        "db/password" = { };
        "users/alice" = {
          key = "shared";
          neededForUsers = true;
        };
      };
      sops.templates."app/config".content = "x";
      sops.directories = {
        db = {
          mode = "0750";
          group = "web";
        };
        users.mode = "0700";
        "rendered/app".mode = "0755";
      };
    };
  };
  secret-that-is-optional = with-secret { optional = true; };
  optional-secret-without-its-file = with-secret {
    optional = true;
    sopsFile = ./no-such-file.yaml;
  };
  secret-that-is-a-whole-file = with-secret { key = ""; };
  secret-of-each-format = with-options {
    secrets = {
      yaml.key = "db/user";
      json = {
        format = "json";
        sopsFile = ../files/config.json;
        key = "token";
      };
      binary = {
        format = "binary";
        sopsFile = ../files/keytab.bin;
      };
      dotenv = {
        format = "dotenv";
        sopsFile = ../files/app.env;
      };
      ini = {
        format = "ini";
        sopsFile = ../files/settings.ini;
      };
    };
  };

  default-format = with-options {
    defaultSopsFile = ../files/config.json;
    defaultSopsFormat = "json";
    secrets.token = { };
  };
  secret-nested-in-json = with-secret {
    format = "json";
    sopsFile = ../files/config.json;
  };
  default-key-is-the-whole-file = with-options {
    defaultSopsKey = "";
    secrets.all = { };
    secrets.one.key = "db/user";
  };
  keep-all-generations = with-options {
    keepGenerations = 0;
    secrets."db/password" = { };
  };
  log-nothing = with-options {
    log = [ ];
    secrets."db/password" = { };
  };
  log-changes-only = with-options {
    log = [ "secretChanges" ];
    secrets."db/password" = { };
  };
  tmpfs = {
    shows = [
      "manifest.json"
      "sops-nix-mount.sh"
    ];
    inherit
      (with-options {
        useTmpfs = true;
        secrets."db/password" = { };
      })
      module
      ;
  };

  validation-reads-the-sops-files = {
    shows = [ "check-phase" ];
    inherit (with-secret { }) module;
  };
  without-validation-only-the-manifest-is-read = {
    shows = [
      "check-phase"
      "manifest.json"
    ];
    inherit
      (with-options {
        validateSopsFiles = false;
        secrets."db/password".sopsFile = "/var/lib/secrets/secrets.yaml";
      })
      module
      ;
  };
  own-packages = {
    shows = [
      "check-phase"
      "sops-nix.sh"
    ];
    inherit
      (with-options {
        package = pkgs.hello;
        validationPackage = pkgs.age;
        secrets."db/password" = { };
      })
      module
      ;
  };
  cross-compilation-validates-with-a-native-package = {
    shows = [
      "check-phase"
      "sops-nix.sh"
    ];
    pkgs = pkgs // {
      stdenv = pkgs.stdenv // {
        hostPlatform = pkgs.stdenv.hostPlatform // {
          system = "aarch64-linux";
        };
      };
    };
    inherit (with-secret { }) module;
  };

  environment-reaches-the-installer = {
    shows = [ "sops-nix.sh" ];
    inherit
      (with-options {
        environment = {
          AWS_REGION = "eu-central-1";
          HOME = "/root";
          PATH = "/opt/bin";
          VAULT_TOKEN = "'\"$(cat /run/keys/vault-token)\"'";
        };
        age.plugins = [ pkgs.age-plugin-tpm ];
        secrets."db/password" = { };
      })
      module
      ;
  };

  # Values that other modules may read.
  read-only-options = {
    shows = [ "etc" ];
    module =
      { config, ... }:
      {
        imports = [ (with-secret { }).module ];
        environment.etc.read.text = builtins.toJSON {
          inherit (config.sops) secretsDir secretsForUsersDir renderedDir;
          inherit (config.sops.secrets."db/password") path sopsFileHash;
        };
      };
  };
  no-hash-without-validation = {
    shows = [ "etc" ];
    module =
      { config, ... }:
      {
        imports = [ (with-secret { }).module ];
        sops.validateSopsFiles = false;
        environment.etc.read.text = builtins.toJSON {
          inherit (config.sops.secrets."db/password") sopsFileHash;
        };
      };
  };

  # Each secret but two has something that refers to it. A longer path is that of another file.
  unused-secrets = {
    shows = [ "unused-secrets" ];
    module =
      { config, ... }:
      {
        services.openssh.enable = true;
        sops.defaultSopsFile = ../files/secrets.yaml;
        sops.secrets = {
          activated = { };
          "db/pass" = { };
          "db/password" = { };
          early.neededForUsers = true;
          etc = { };
          filtered = { };
          in-a-built-text = { };
          in-a-credential = { };
          in-a-script = { };
          in-a-unit = { };
          named = { };
          placed.path = "/etc/placed";
          told.restartUnits = [ "app.service" ];
          unused = { };
          watched.watch = true;
        };
        sops.templates.conf.content = "@sops:named@ ${config.sops.filtered.filtered.json}";
        sops.credentials.app.token = "in-a-credential";
        users.users.alice.group = "users";
        users.users.alice.hashedPasswordFile = config.sops.secrets.early.path;
        environment.etc."app.conf".text = "file = ${config.sops.secrets.etc.path}\n";
        environment.etc."built.conf".source =
          pkgs.writeText "built" "file=${config.sops.secrets.in-a-built-text.path}";
        system.activationScripts.mine.text = "cat ${config.sops.secrets.activated.path}";
        systemd.services.app = {
          script = "cat '${config.sops.secrets.in-a-script.path}'";
          serviceConfig.EnvironmentFile = [ config.sops.secrets.in-a-unit.path ];
          environment.FILE = config.sops.secrets."db/password".path;
        };
      };
  };
}
