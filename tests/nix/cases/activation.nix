# What installs the secrets, and when.
{ lib, pkgs }:

let
  host = module: {
    imports = [ module ];
    services.openssh.enable = true;
    sops.defaultSopsFile = ../files/secrets.yaml;
    sops.secrets."db/password" = { };
    sops.secrets.my-password.neededForUsers = true;
  };
  # A release on which scripts are the default.
  byScripts.system.nixos.release = "25.11";
  units = [
    "sops-nix.service"
    "sops-nix-for-users.service"
  ];
in
{
  activation-by-scripts = {
    shows = [
      "manifest.json"
      "manifest-for-users.json"
      "services"
      "scripts"
      "setupSecrets.snippet"
      "setupSecretsForUsers.snippet"
      "users.snippet"
      "sops-nix.service"
      "sops-nix.target"
      "sops-nix.sh"
      "sops-nix-for-users.sh"
      "sops-nix-show-or-install.sh"
      "sops-nix-mount.sh"
    ];
    module = host byScripts;
  };

  activation-with-userborn = {
    shows = units ++ [
      "manifest.json"
      "manifest-for-users.json"
      "services"
      "scripts"
      "userborn.service"
      "sops-nix.check"
      "sops-nix.target"
      "sops-nix.sh"
      "sops-nix-for-users.sh"
      "sops-nix-mount.sh"
      "sops-nix-mount-for-users.sh"
    ];
    module = host { services.userborn.enable = true; };
  };

  # Such a file can change while the configuration does not. So each switch installs.
  files-outside-the-store = {
    shows = units ++ [
      "manifest.json"
      "manifest-for-users.json"
      "userborn.service"
      "sops-nix.check"
      "sops-nix.target"
      "sops-nix.sh"
      "sops-nix-for-users.sh"
      "sops-nix-mount.sh"
      "sops-nix-mount-for-users.sh"
    ];
    module = host {
      services.userborn.enable = true;
      sops.validateSopsFiles = false;
      sops.defaultSopsFile = lib.mkForce "/var/lib/secrets.yaml";
    };
  };
  template-file-outside-the-store = {
    shows = [ "sops-nix.service" ];
    module = host {
      services.userborn.enable = true;
      sops.templates.app.file = "/var/lib/app.conf";
    };
  };

  activation-with-sysusers = {
    shows = units ++ [
      "manifest.json"
      "manifest-for-users.json"
      "services"
      "scripts"
      "sops-nix.sh"
      "sops-nix-for-users.sh"
      "sops-nix-mount.sh"
      "sops-nix-mount-for-users.sh"
    ];
    module = host { systemd.sysusers.enable = true; };
  };

  activation-with-nixos-init = {
    shows = units ++ [ "scripts" ];
    module = host {
      system.nixos-init.enable = true;
      services.userborn.enable = true;
    };
  };

  activation-by-units-with-users-made-by-a-script = {
    shows = [
      "services"
      "scripts"
      "sops-nix.service"
    ];
    module = {
      services.openssh.enable = true;
      sops = {
        defaultSopsFile = ../files/secrets.yaml;
        secrets."db/password" = { };
        useSystemdActivation = true;
      };
    };
  };

  # The unit may write to the top-level directories of links. With a link in the root directory it may write everywhere.
  # A template with a check is in it, too: it is checked in the unit, with its confinement.
  writable-directories = {
    shows = [
      "check-template.sh"
      "manifest.json"
      "manifest-for-users.json"
      "sops-nix.service"
      "sops-nix-for-users.service"
      "sops-nix.sh"
      "sops-nix-for-users.sh"
      "sops-nix-mount.sh"
      "sops-nix-mount-for-users.sh"
    ];
    module = host {
      services.userborn.enable = true;
      sops.templates."app/settings.json" = {
        content = "{\"password\": \"@sops:db/password@\"}";
        check = lib.mkMerge [
          "${pkgs.jq}/bin/jq -e '.password | length > 5' \"$1\""
          "${pkgs.jq}/bin/jq . \"$1\""
        ];
      };
      sops.secrets.wifi.path = "/data/network/wifi";
      sops.secrets.shared.path = "/tmp/shared secret";
      sops.metrics.enable = true;
      sops.metrics.directory = "/data/metrics";
    };
  };
  secrets-in-homes = {
    shows = [
      "manifest.json"
      "manifest-for-users.json"
      "sops-nix.service"
      "sops-nix-for-users.service"
      "sops-nix.sh"
      "sops-nix-for-users.sh"
      "sops-nix-mount.sh"
      "sops-nix-mount-for-users.sh"
    ];
    module = host {
      systemd.sysusers.enable = true;
      users.users.alice.group = "users";
      sops.secrets."db/password" = {
        owner = "alice";
        path = "/home/alice/.config/app/token";
      };
    };
  };
  # `%r` has a meaning in home-manager only. Here it is a percent sign, and systemd must not take it for a specifier.
  percent-signs-in-paths = {
    shows = [
      "manifest.json"
      "manifest-for-users.json"
      "sops-nix.service"
      "sops-nix-mount.sh"
    ];
    module = host {
      services.userborn.enable = true;
      sops.secrets.wifi.path = "/etc/100%r/%%/wifi";
      sops.secrets.shared.path = "/100%t/shared";
      sops.templates.conf = {
        content = "x";
        path = "/etc/%r/conf";
      };
    };
  };

  link-in-the-root-directory = {
    shows = [ "sops-nix.service" ];
    module = host {
      services.userborn.enable = true;
      sops.secrets.wifi.path = "/wifi";
    };
  };

  # All these settings can be changed without lib.mkForce.
  confinement-set-by-the-user = {
    shows = [ "sops-nix.service" ];
    module = host {
      services.userborn.enable = true;
      systemd.services.sops-nix.serviceConfig = {
        PrivateNetwork = false;
        RestrictAddressFamilies = [ "AF_INET" ];
        TimeoutStartSec = "5min";
      };
    };
  };

  # Ordering that was written for sops-nix's own unit.
  ordering-by-the-former-name = {
    shows = [
      "sops-nix.service"
    ];
    module = host {
      services.userborn.enable = true;
      systemd.services.sops-install-secrets = {
        after = [ "unlock-usb.service" ];
        requires = [ "unlock-usb.service" ];
      };
    };
  };
  # Such a unit starts after sysinit.target.
  ordering-by-the-former-name-after-ordinary-units = {
    shows = units;
    module = host {
      services.userborn.enable = true;
      systemd.services.sops-install-secrets = {
        after = [ "network-online.target" ];
        wants = [ "network-online.target" ];
      };
    };
  };
  ordering-by-the-former-name-with-scripts = {
    shows = [ "sops-nix.service" ];
    module = host {
      imports = [ byScripts ];
      systemd.services.sops-install-secrets.unitConfig.After = "network-online.target";
    };
  };
  key-on-a-network-file-system = {
    shows = [
      "sops-nix.service"
      "sops-nix-for-users.service"
      "sops-nix-generate-age-key.service"
    ];
    module = {
      imports = [ (host { }) ];
      services.userborn.enable = true;
      sops.secrets.my-password.neededForUsers = lib.mkForce false;
      # The initrd mounts this one, so it makes no difference.
      fileSystems."/".fsType = "nfs4";
      fileSystems."/keys".fsType = "nfs4";
      fileSystems."/disk".options = [ "_netdev" ];
      sops.age.keyFile = "/keys/age.txt";
      sops.age.generateKey = true;
      sops.age.sshKeyPaths = [
        "/disk/key"
        "/root/key"
      ];
    };
  };

  # All other kinds of settings under the old names: our units get them unchanged.
  settings-by-the-former-names = {
    shows = units;
    module = host {
      services.userborn.enable = true;
      systemd.services = lib.genAttrs [ "sops-install-secrets" "sops-install-secrets-for-users" ] (_: {
        description = "Our secrets";
        conflicts = [ "rescue.target" ];
        path = [ pkgs.hello ];
        environment = {
          FOO = "bar";
          TMPDIR = "/run/elsewhere";
        };
        unitConfig = {
          DefaultDependencies = "no";
          RequiresMountsFor = "/keys";
          ConditionPathExists = [ "/keys/age.txt" ];
        };
        serviceConfig = {
          Environment = "A=1";
          EnvironmentFile = [ "/run/keys/environment" ];
          TimeoutStartSec = "1h";
          ReadWritePaths = [ "/data" ];
        };
      });
    };
  };
  commands-by-the-former-names = {
    shows = units;
    module = {
      imports = [
        (host { })
        { systemd.services.sops-install-secrets.preStart = lib.mkIf false "never"; }
      ];
      services.userborn.enable = true;
      systemd.services.sops-install-secrets-for-users.preStart = "mount /dev/disk/by-label/keys /keys";
      systemd.services.sops-install-secrets.serviceConfig = {
        ExecStartPre = "/bin/sh -c 'modprobe tpm'";
        ExecStartPost = [ "/bin/rm /var/lib/key" ];
      };
    };
  };
  # In sops-nix this is a list, so a command that is added runs as well.
  commands-added-by-the-former-names = {
    shows = units;
    module = host {
      services.userborn.enable = true;
      systemd.services.sops-install-secrets.serviceConfig.ExecStart = [ "/bin/true" ];
      systemd.services.sops-install-secrets-for-users.serviceConfig.ExecStart = lib.mkAfter [
        "/bin/true"
      ];
    };
  };
  says-early-installer-replaced-by-the-former-name = {
    shows = [ ];
    module = host {
      services.userborn.enable = true;
      systemd.services.sops-install-secrets-for-users.serviceConfig.ExecStart = lib.mkForce "/bin/true";
    };
  };
  # Every setting is removed by force, our command too. systemd refuses a unit without a command.
  emptied-by-the-former-name = {
    shows = [ ];
    module = host {
      services.userborn.enable = true;
      systemd.services.sops-install-secrets = lib.mkForce { };
    };
  };
  replaced-altogether-by-the-former-name = {
    shows = [ "sops-nix.service" ];
    module = host {
      services.userborn.enable = true;
      systemd.services.sops-install-secrets = lib.mkForce { serviceConfig.ExecStart = "/bin/true"; };
    };
  };
  # A unit of the user's with our name: the user's values win.
  own-unit-of-our-name = {
    shows = [ "sops-nix.service" ];
    module = host {
      systemd.services.sops-nix = {
        description = "mine";
        restartIfChanged = true;
        serviceConfig = {
          Type = "simple";
          RemainAfterExit = false;
          ExecStart = "/bin/true";
        };
      };
    };
  };
  # A host that decrypts nothing: the regular unit is replaced, and the early one is disabled.
  unit-replaced-by-the-former-names = {
    shows = units ++ [ "services" ];
    module = host {
      services.userborn.enable = true;
      systemd.services.sops-install-secrets.serviceConfig = lib.mkForce {
        Type = "oneshot";
        ExecStart = "/bin/true";
      };
      systemd.services.sops-install-secrets-for-users.enable = false;
    };
  };
}
