# Assertions and warnings, by their text. Other results of these cases are not compared.
{ pkgs, ... }:

let
  says = module: {
    shows = [ ];
    inherit module;
  };

  # A host that causes no message, with the settings of the case.
  host =
    module:
    says {
      imports = [ module ];
      services.openssh.enable = true;
      users.users.alice.group = "users";
      systemd.services.nginx.aliases = [ "web.service" ];
      systemd.services."getty@" = { };
      sops.defaultSopsFile = ../files/secrets.yaml;
      sops.secrets."db/password" = { };
    };
in
{
  says-nothing-about-a-plain-host = host {
    # Aliases and instances of templates are known units.
    sops.secrets."db/password".restartUnits = [
      "nginx.service"
      "web.service"
      "getty@tty1.service"
    ];
  };

  says-no-key-source = says {
    sops.defaultSopsFile = ../files/secrets.yaml;
    sops.secrets."db/password" = { };
  };

  says-gnupg-home-excludes-ssh-keys = host { sops.gnupg.home = "/root/.gnupg"; };

  says-generated-key-without-file = host { sops.age.generateKey = true; };

  says-copy-at-its-own-place = host { sops.secrets."db/password".install = "copy"; };

  says-copy-on-a-disk = host {
    fileSystems."/" = {
      device = "/dev/sda1";
      fsType = "ext4";
    };
    sops.secrets."db/password" = {
      path = "/etc/app/password";
      install = "copy";
    };
  };

  says-nothing-about-copies-in-memory-and-copies-that-are-meant = host {
    fileSystems."/" = {
      device = "/dev/sda1";
      fsType = "ext4";
    };
    fileSystems."/memory" = {
      device = "none";
      fsType = "tmpfs";
    };
    sops.secrets."db/password" = {
      path = "/memory/password";
      install = "copy";
    };
    sops.templates.meant = {
      content = "x";
      path = "/etc/app/meant";
      install = "copy";
      copyToDisk = true;
    };
    sops.templates.run = {
      content = "x";
      path = "/run/app/conf";
      install = "copy";
    };
  };

  says-owner-and-uid = host {
    sops.secrets."db/password" = {
      owner = "alice";
      uid = 1000;
    };
    sops.templates.conf = {
      content = "x";
      owner = "alice";
      uid = 1000;
    };
  };

  # The uid of a user without a fixed number is null, on this host or in a container.
  says-null-is-not-root = host (
    { config, ... }:
    {
      sops.secrets."db/password" = {
        inherit (config.users.users.alice) uid;
        gid = null;
      };
      sops.templates.conf = {
        content = "x";
        owner = null;
        uid = null;
        group = null;
        gid = null;
      };
    }
  );
  says-nothing-about-null-beside-a-name = host {
    sops.secrets."db/password" = {
      owner = "alice";
      uid = null;
      gid = null;
    };
  };

  says-group-and-gid = host {
    sops.secrets."db/password" = {
      group = "users";
      gid = 100;
    };
    sops.templates.conf = {
      content = "x";
      group = "users";
      gid = 100;
    };
  };

  # The group comes from the owner, and counts as a group that is set.
  says-owners-group-and-gid = host {
    sops.secrets."db/password" = {
      owner = "alice";
      gid = 100;
    };
  };

  says-early-secret-with-owner = host {
    sops.secrets.my-password = {
      neededForUsers = true;
      owner = "alice";
    };
  };
  says-early-secret-with-group = host {
    sops.secrets.my-password = {
      neededForUsers = true;
      group = "keys";
    };
  };
  says-early-secret-with-uid = host {
    sops.secrets.my-password = {
      neededForUsers = true;
      uid = 1000;
    };
  };
  says-early-template-with-gid = host {
    sops.templates.conf = {
      neededForUsers = true;
      content = "x";
      gid = 1000;
    };
  };

  says-early-template-with-a-regular-secret = says (
    { config, ... }:
    {
      imports = [ (host { }).module ];
      sops.templates.passwords = {
        neededForUsers = true;
        content = config.sops.placeholder."db/password";
      };
    }
  );

  says-early-template-with-the-name-of-a-regular-secret = says (
    { config, ... }:
    {
      imports = [ (host { }).module ];
      sops.templates.passwords = {
        neededForUsers = true;
        content = "@sops:db/password|sh@";
      };
    }
  );

  # A text that is still to be built cannot be checked.
  says-nothing-about-an-early-template-that-is-built = host {
    sops.templates.passwords = {
      neededForUsers = true;
      file = pkgs.writeText "built" "text";
    };
  };

  says-env-file-with-a-missing-secret-and-an-odd-name = host {
    sops.envFiles."app.env" = {
      DB_PASSWORD = "db/pasword";
      "db-user" = "db/password";
    };
  };

  says-env-file-with-a-text-of-its-own = host {
    sops.secrets."db/password" = { };
    sops.envFiles.app.DB_PASSWORD = "db/password";
    sops.templates.app.file = pkgs.writeText "built" "LOG_LEVEL=info";
  };

  says-sops-file-outside-the-store = host {
    sops.secrets."db/password".sopsFile = "/var/lib/secrets.yaml";
  };
  says-nothing-about-it-without-validation = host {
    sops.validateSopsFiles = false;
    sops.secrets."db/password".sopsFile = "/var/lib/secrets.yaml";
  };
  says-sops-file-does-not-exist = host {
    sops.secrets."db/password".sopsFile = ../files + "/no-such-file.yaml";
  };

  says-two-secrets-at-one-path = host {
    sops.secrets.wifi.path = "/run/secrets/db/password";
  };
  says-secret-and-template-at-one-path = host {
    sops.secrets.wifi.path = "/etc/wifi";
    sops.templates."wifi.conf" = {
      content = "x";
      path = "/etc/wifi";
    };
  };

  says-early-secrets-with-immutable-sysusers = host {
    systemd.sysusers.enable = true;
    users.mutableUsers = false;
    sops.secrets.my-password.neededForUsers = true;
  };

  says-nixos-init-runs-no-scripts = host {
    system.nixos-init.enable = true;
    sops.useSystemdActivation = false;
  };

  says-users-come-after-the-script = host {
    services.userborn.enable = true;
    sops.useSystemdActivation = false;
  };

  says-nothing-about-a-service-without-its-type = host {
    sops.secrets."db/password".restartUnits = [ "nginx" ];
    sops.templates.conf = {
      content = "x";
      reloadUnits = [ "getty@tty1" ];
    };
  };
  says-unit-that-is-not-defined = host {
    sops.secrets."db/password" = {
      restartUnits = [ "ngnix.service" ];
      reloadUnits = [ "tty@1.service" ];
    };
    sops.templates.conf = {
      content = "x";
      restartUnits = [ "other.socket" ];
    };
  };
  says-unit-that-is-a-template = host {
    systemd.services."app@" = { };
    sops.secrets."db/password" = {
      restartUnits = [
        "app@"
        "app@a.service"
      ];
      reloadUnits = [ "app@.service" ];
    };
  };

  says-file-of-variables-for-another-reader = host (
    { config, ... }:
    {
      systemd.services.app.serviceConfig.EnvironmentFile = [
        config.sops.secrets."app.env".path
        config.sops.templates."b.env".path
      ];
      sops.secrets."app.env" = {
        format = "dotenv";
        sopsFile = ../files/app.env;
        as = "sh";
      };
      sops.templates."b.env" = {
        content = "A=1";
        as = "systemd-env";
      };
    }
  );

  says-key-on-a-late-file-system = host {
    system.nixos.release = "25.11";
    fileSystems."/" = { };
    fileSystems."/persist" = { };
    fileSystems."/persist/early".neededForBoot = true;
    sops.age.keyFile = "/persist/keys/age.txt";
    sops.age.sshKeyPaths = [
      "/etc/ssh/ssh_host_ed25519_key"
      "/persist/early/ssh_host_ed25519_key"
      "/persistent/key"
    ];
  };
  says-nothing-about-it-to-units = host {
    fileSystems."/persist" = { };
    services.userborn.enable = true;
    sops.age.keyFile = "/persist/keys/age.txt";
  };

  says-key-on-a-late-file-system-to-early-units = host {
    fileSystems."/" = { };
    fileSystems."/persist" = { };
    services.userborn.enable = true;
    sops.age.keyFile = "/persist/keys/age.txt";
    sops.secrets.my-password.neededForUsers = true;
  };
  says-nothing-about-it-when-boot-needs-it = host {
    fileSystems."/persist".neededForBoot = true;
    services.userborn.enable = true;
    sops.age.keyFile = "/persist/keys/age.txt";
    sops.secrets.my-password.neededForUsers = true;
  };

  says-nothing-about-gnupg-and-plugins = host {
    sops.gnupg.home = "/root/.gnupg";
    sops.gnupg.sshKeyPaths = [ ];
    sops.age.plugins = [ pkgs.age-plugin-tpm ];
  };
  says-nothing-about-a-credential-beside-other-keys = host {
    sops.age.keyCredential = "sops-age-key";
  };

  says-scripts-get-no-credential = host {
    sops.age.keyCredential = "sops-age-key";
    sops.useSystemdActivation = false;
  };

  # Activation by scripts is not possible here.
  says-early-secrets-by-credential-with-users-by-script = host {
    sops.age.keyCredential = "sops-age-key";
    sops.secrets.my-password.neededForUsers = true;
  };

  says-the-unit-has-another-name = host {
    systemd.services.sops-install-secrets.environment.FOO = "bar";
  };
  says-the-early-unit-has-another-name = host {
    services.userborn.enable = true;
    sops.secrets.my-password.neededForUsers = true;
    systemd.services.sops-install-secrets-for-users.environment.FOO = "bar";
  };
  says-no-unit-installs-early-secrets-here = host {
    sops.secrets.my-password.neededForUsers = true;
    systemd.services.sops-install-secrets-for-users.environment.FOO = "bar";
  };
  says-no-unit-of-our-name-installs-early-secrets-here = host {
    sops.secrets.my-password.neededForUsers = true;
    systemd.services.sops-nix-for-users = {
      path = [ pkgs.hello ];
      serviceConfig.ExecStartPre = "fetch-key";
    };
  };
  # The unit shows what the script did. It uses these settings only when it is started again.
  says-the-script-has-no-settings-of-the-unit = host {
    system.nixos.release = "25.11";
    systemd.services.sops-nix = {
      environment.FOO = "bar";
      serviceConfig.LoadCredential = [ "key" ];
      serviceConfig.PrivateNetwork = false;
    };
    systemd.services.sops-install-secrets.path = [ pkgs.hello ];
  };
  says-nothing-about-settings-to-units = host {
    services.userborn.enable = true;
    systemd.services.sops-nix = {
      environment.FOO = "bar";
      path = [ pkgs.hello ];
    };
  };
  says-nothing-about-other-settings-with-scripts = host {
    system.nixos.release = "25.11";
    systemd.services.sops-nix.serviceConfig.PrivateNetwork = false;
  };
  # Users would be created without what such a command does, such as fetching a key.
  says-no-unit-runs-commands-before-early-secrets-here = host {
    sops.secrets.my-password.neededForUsers = true;
    systemd.services.sops-install-secrets-for-users.preStart = "fetch-key";
  };
  says-the-units-cannot-wait-for-ordinary-ones = host {
    services.userborn.enable = true;
    sops.secrets.my-password.neededForUsers = true;
    systemd.services.sops-install-secrets.unitConfig.DefaultDependencies = true;
    systemd.services.sops-install-secrets-for-users.unitConfig.DefaultDependencies = "yes";
  };
}
