# Which phases are installed by a unit, and which by a script.
{ lib, ... }:

let
  host = module: {
    imports = [ module ];
    services.openssh.enable = true;
    sops.defaultSopsFile = ../files/secrets.yaml;
    sops.secrets."db/password" = { };
  };
  early.sops.secrets.my-password.neededForUsers = true;
  snippets = [
    "scripts"
    "setupSecrets.snippet"
    "setupSecretsForUsers.snippet"
    "users.snippet"
  ];
  waits.system.activationScripts.samba.deps = [ "setupSecrets" ];
  silent = module: {
    shows = [ "setupSecrets.snippet" ];
    module = host module;
  };
in
{
  # No script does anything in these cases.
  units-by-default = {
    shows = snippets ++ [
      "services"
      "sops-nix.target"
      "sops-nix-for-users.service"
    ];
    module = host { };
  };
  units-by-default-on-the-first-such-release = silent { system.nixos.release = "26.05"; };
  scripts-by-default-on-the-release-before = silent { system.nixos.release = "25.11"; };
  units-by-default-in-system-manager = {
    system = "system-manager";
    shows = [ "services" ];
    module = host early;
  };

  # If a script makes the users, a script also installs the secrets that users need.
  early-secrets-by-a-script-and-others-by-a-unit = {
    shows = snippets ++ [
      "services"
      "sops-nix.check"
      "sops-nix.service"
      "sops-nix-for-users.service"
      "sops-nix-show-or-install-for-users.sh"
    ];
    module = host early;
  };
  early-secrets-by-a-script-with-units-wanted = {
    shows = [ "setupSecretsForUsers.snippet" ];
    module = host {
      imports = [ early ];
      sops.useSystemdActivation = true;
    };
  };

  # Both the script and the unit may need the key. The script comes first.
  generated-key-by-script-and-unit = {
    shows = [
      "generate-age-key.snippet"
      "setupSecretsForUsers.snippet"
      "sops-nix.service"
      "sops-nix-generate-age-key.service"
    ];
    module = host {
      imports = [ early ];
      sops.age.keyFile = "/var/lib/sops-nix/key.txt";
      sops.age.generateKey = true;
    };
  };

  # If a script of the configuration needs the secrets, our script stays, unless the configuration asks for units.
  says-that-a-script-waits-for-the-secrets = {
    shows = [
      "services"
      "setupSecrets.snippet"
      "sops-nix.service"
      "sops-nix-show-or-install.sh"
    ];
    module = host {
      imports = [ waits ];
      system.activationScripts.other = lib.stringAfter [ "users" ] "true";
      system.activationScripts."my script" = lib.stringAfter [
        "users"
        "setupSecrets"
      ] "cat /run/secrets/db/password";
    };
  };
  says-that-a-script-waits-for-the-secrets-if-there-is-our-script = silent (
    { config, ... }:
    {
      system.activationScripts.samba = lib.stringAfter (lib.optional (
        config.system.activationScripts ? setupSecrets
      ) "setupSecrets") "true";
    }
  );
  says-that-a-script-runs-before-the-unit = silent {
    imports = [ waits ];
    sops.useSystemdActivation = true;
  };
  says-that-a-script-runs-before-the-unit-with-userborn = silent {
    imports = [ waits ];
    services.userborn.enable = true;
  };
  waits-only-where-scripts-install = silent (
    { config, ... }:
    {
      system.activationScripts.wifi.deps = lib.optional (
        !config.sops.useSystemdActivation
      ) "setupSecrets";
    }
  );

  # A unit cannot install a secret before crypttab is read either.
  says-that-crypttab-needs-a-secret = silent (
    { config, ... }:
    {
      # Here, `noauto` is a part of the volume's name, and no option.
      environment.etc.crypttab.text = "noauto-data /dev/sdb1 ${config.sops.secrets."db/password".path}\n";
    }
  );
  says-that-crypttab-needs-a-secret-before-the-unit = silent (
    { config, ... }:
    {
      sops.useSystemdActivation = true;
      environment.etc.crypttab.text = "data /dev/sdb1 ${config.sops.secrets."db/password".path}\n";
    }
  );
  says-that-commands-before-systemd-need-a-secret = silent {
    boot.postBootCommands = "cat /etc/app/password > /run/app";
    sops.secrets."db/password".path = "/etc/app/password";
  };
  says-that-a-file-system-needs-a-secret = silent {
    fileSystems."/data" = {
      fsType = "rclone";
      options = [ "config=/run/secrets/db/password" ];
    };
  };
  # Files of a hypervisor need no network.
  says-that-a-directory-of-the-hypervisor-needs-a-secret = silent {
    fileSystems."/data" = {
      fsType = "9p";
      options = [ "trans=virtio,config=/run/secrets/db/password" ];
    };
  };
  says-that-a-crypttab-that-is-a-secret-is-read-before-the-unit = silent (
    { config, ... }:
    {
      sops.templates.crypttab.content = "data /dev/sdb1 /root/key";
      environment.etc.crypttab.source = config.sops.templates.crypttab.path;
    }
  );
  # local-fs.target waits for these, and the unit waits for local-fs.target.
  says-that-local-file-systems-wait-for-the-unit = silent {
    fileSystems."/data" = {
      fsType = "rclone";
      options = [ "x-systemd.requires=sops-nix.service,config=/run/secrets/db/password" ];
    };
    fileSystems."/more".options = [ "x-systemd.after=sops-install-secrets.service" ];
    fileSystems."/bound" = {
      device = "/more/data";
      options = [ "bind" ];
    };
    fileSystems."/behind-another".options = [ "x-systemd.after=unlock.service" ];
    systemd.services.unlock = {
      after = [ "sops-nix.target" ];
      unitConfig.DefaultDependencies = false;
    };
    systemd.mounts = [
      {
        where = "/unit";
        wantedBy = [ "multi-user.target" ];
        after = [ "sops-nix.service" ];
      }
    ];
  };
  says-that-a-crypttab-in-a-file-needs-a-secret = silent {
    environment.etc.crypttab.source = ../files/crypttab;
  };
  says-that-a-mount-unit-needs-a-secret = silent {
    systemd.mounts = [
      {
        where = "/data";
        type = "rclone";
        options = "config=/run/secrets/db/password";
        wantedBy = [ "multi-user.target" ];
      }
    ];
  };
  # A script would not have the key at boot either.
  says-that-crypttab-needs-a-secret-whose-key-is-on-a-late-file-system = silent {
    environment.etc.crypttab.text = "data /dev/sdb1 /run/secrets/db/password";
    fileSystems."/keys".fsType = "ext4";
    sops.age.keyFile = "/keys/key.txt";
  };
  says-that-crypttab-needs-a-secret-whose-key-a-plugin-has = silent (
    { pkgs, ... }:
    {
      environment.etc.crypttab.text = "data /dev/sdb1 /run/secrets/db/password";
      sops.age.plugins = [ pkgs.age-plugin-yubikey ];
    }
  );
  says-nothing-about-crypttab-where-scripts-are-the-default = {
    shows = [ ];
    module = host {
      system.nixos.release = "25.11";
      environment.etc.crypttab.text = "data /dev/sdb1 /run/secrets/db/password";
    };
  };
  units-where-secrets-are-read-later = silent {
    environment.etc.crypttab.text = ''
      # data /dev/sdb1 /run/secrets/db/password
        # data /dev/sdb1 /run/secrets/db/password
      data /dev/sdb1 /run/secrets/db/password luks,noauto
      more /dev/sdb2 /run/secrets-for-users/db/password
      old /dev/sdb3 /etc/app/password-old
      odd /dev/sdb4 /etc/app/password.luks
    '';
    sops.secrets."db/password".path = "/etc/app/password";
    systemd.mounts = [
      {
        where = "/later";
        options = "config=/run/secrets/db/password";
        wantedBy = [ "multi-user.target" ];
        requires = [ "sops-nix.service" ];
        after = [ "sops-nix.service" ];
        unitConfig.DefaultDependencies = false;
      }
      {
        where = "/by-hand";
        options = "config=/run/secrets/db/password";
      }
      {
        where = "/without-it";
        options = "nofail,config=/run/secrets/db/password";
        wantedBy = [ "multi-user.target" ];
        after = [ "sops-nix.service" ];
      }
    ];
    fileSystems."/on-demand" = {
      fsType = "rclone";
      options = [ "noauto,x-systemd.automount,config=/run/secrets/db/password" ];
    };
    fileSystems."/network" = {
      fsType = "rclone";
      options = [ "rw,_netdev,config=/run/secrets/db/password" ];
    };
    fileSystems."/cluster" = {
      fsType = "fuse.glusterfs";
      options = [ "config=/run/secrets/db/password" ];
    };
    fileSystems."/dav" = {
      fsType = "davfs";
      options = [ "conf=/run/secrets/db/password" ];
    };
    fileSystems."/share" = {
      fsType = "cifs";
      options = [ "credentials=/run/secrets/db/password" ];
    };
    fileSystems."/data" = {
      fsType = "rclone";
      options = [
        "nofail"
        "x-systemd.requires=sops-nix.service"
        "config=/run/secrets/db/password"
      ];
    };
  };

  # An option that decides the way of activation may itself read the units and files of the configuration.
  units-where-what-is-read-reads-units = silent (
    { config, lib, ... }:
    {
      systemd.services.app.serviceConfig.ExecStart = "/bin/app";
      sops.secrets.more = lib.mkIf (config.systemd.services ? app) { neededForFileSystems = true; };
      boot.postBootCommands = config.systemd.services.app.serviceConfig.ExecStart;
      fileSystems."/data".options = lib.optional (
        config.systemd.services ? app
      ) "x-systemd.before=app.service";
      environment.etc.app = lib.mkIf (config.systemd.services ? app) { text = "app"; };
      environment.etc.crypttab.text = lib.optionalString (
        config.environment.etc ? app
      ) "data /dev/sdb1 /root/key";
      systemd.mounts = lib.optional (config.systemd.services ? app) {
        where = "/more";
        wantedBy = [ "app.service" ];
      };
    }
  );

  says-that-a-script-runs-before-the-early-unit = {
    shows = [ "setupSecretsForUsers.snippet" ];
    module = host {
      imports = [ early ];
      services.userborn.enable = true;
      system.activationScripts.samba.deps = [ "setupSecretsForUsers" ];
    };
  };
  says-that-scripts-do-not-wait-for-secrets-that-they-name = silent {
    imports = [ early ];
    system.activationScripts.samba = "cat /run/secrets/db/password";
    system.activationScripts.mail = "cat /run/secrets-for-users/my-password";
    system.activationScripts.motd = lib.stringAfter [
      "users"
    ] "cat /run/secrets-for-users/my-password";
  };

  # The check before a switch has none of these settings.
  dry-activation-without-the-settings-of-the-unit = {
    shows = [ "sops-nix.check" ];
    module = host {
      sops.secrets.my-password.neededForUsers = true;
      services.userborn.enable = true;
      systemd.services.sops-nix.serviceConfig.EnvironmentFile = "/etc/sops.env";
      systemd.services.sops-nix.postStart = "true";
    };
  };

  says-that-scripts-are-dropped = silent { sops.useSystemdActivation = false; };
  says-nothing-about-scripts-before-that-release = silent {
    system.nixos.release = "25.11";
    sops.useSystemdActivation = false;
  };
}
