# Where the keys come from.
{ lib, pkgs }:

let
  host = options: {
    shows = [
      "manifest.json"
      "sops-nix.service"
    ];
    module.sops = {
      defaultSopsFile = ../files/secrets.yaml;
      useSystemdActivation = true;
      secrets."db/password" = { };
    }
    // options;
  };

  # A host whose network comes late, with a key service on it.
  lateVault = {
    sops = {
      defaultSopsFile = ../files/secrets.yaml;
      age.keyFile = "/test/age.txt";
      secrets."db/password" = { };
      secrets.token.sopsFile = ../files/vault.yaml;
      secrets.token.neededBy = [ "app.service" ];
      keyServices.allowedEndpoints = [ "http://127.0.0.1:8200" ];
      keyServices.environmentFile = "/test/files/vault.env";
    };
    systemd.services.vault = {
      wantedBy = [ "network-online.target" ];
      before = [ "network-online.target" ];
      serviceConfig = {
        ExecStartPre = "/bin/sleep 2";
        ExecStart = "/usr/bin/python3 /test/files/vault.py";
        ExecStartPost = "/bin/bash -c 'until (echo > /dev/tcp/127.0.0.1/8200) 2> /dev/null; do sleep 0.1; done'";
      };
    };
    systemd.services.app = {
      wantedBy = [ "multi-user.target" ];
      serviceConfig = {
        Type = "oneshot";
        RemainAfterExit = true;
        ExecStart = "/bin/sh -c 'cat /run/secrets/token >> /app'";
      };
    };
  };
in
{
  key-file = host { age.keyFile = "/var/lib/sops-nix/key.txt"; };

  # The path must reach the unit unchanged, although % and spaces have a meaning there.
  key-file-with-an-odd-name = host { age.keyFile = "/var/lib/my keys/100%/key.txt"; };

  # A quote has a meaning in a unit, even if the path has no blank. A condition cannot be quoted at all.
  generated-key-with-an-odd-name = {
    shows = [
      "sops-nix.service"
      "sops-nix-generate-age-key.service"
    ];
    inherit
      (host {
        age.keyFile = "/var/lib/alice's/100% mine.txt";
        age.generateKey = true;
      })
      module
      ;
  };

  # A path without quotes is a file on the host. It must never be copied to the store.
  key-paths-without-quotes = host {
    age.keyFile = /var/lib/sops-nix/key.txt;
    age.sshKeyPaths = [ /etc/ssh/age_key ];
    gnupg.sshKeyPaths = [ /etc/ssh/rsa_key ];
  };

  # Public keys as text, with a comment, and in a file.
  host-recipients = {
    shows = [ "manifest.json" ];
    module.sops = {
      defaultSopsFile = ../files/secrets.yaml;
      age.keyFile = "/var/lib/sops-nix/key.txt";
      secrets."db/password" = { };
      hostRecipients = [
        "age1mlhf3z65g36qqjf9znnr8zn2hv76ju9t930srd9kqq4sj557rfksux292u"
        ''
          # the key of sshd
          ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIL6nuWNJTopegLNemmdjo9JR1exg2AdHA1F+jiMZ155y root@web
        ''
        ../../fixtures/keys/ssh_rsa.pub
        "${toString ../../fixtures/keys}/ssh_ed25519.pub"
        "FE0883FD102288D8993CABF285850DB4E36EDDFC"
        "arn:aws:kms:eu-central-1:111122223333:key/00000000-0000-0000-0000-000000000000"
      ];
    };
  };
  says-host-recipients-that-are-comments = {
    shows = [ ];
    module.sops.hostRecipients = [ "# ssh-ed25519 AAAA" ];
  };
  says-host-recipients-that-are-private = {
    shows = [ ];
    module.sops.hostRecipients = [ "AGE-SECRET-KEY-1QQQQ" ];
  };

  host-keys-of-openssh = {
    shows = [ "manifest.json" ];
    module = {
      services.openssh.enable = true;
      services.openssh.hostKeys = [
        {
          type = "ed25519";
          path = "/persist/ssh/ed25519";
        }
        {
          type = "rsa";
          path = "/persist/ssh/rsa";
        }
        {
          type = "ed25519";
          path = "/run/secrets/ssh/ed25519";
        }
        {
          type = "ecdsa";
          path = "/persist/ssh/ecdsa";
        }
      ];
      sops.defaultSopsFile = ../files/secrets.yaml;
      sops.secrets."db/password" = { };
    };
  };

  no-host-keys = {
    shows = [ "manifest.json" ];
    module = {
      services.openssh.enable = true;
      sops = {
        defaultSopsFile = ../files/secrets.yaml;
        age.keyFile = "/key.txt";
        age.sshKeyPaths = [ ];
        gnupg.sshKeyPaths = [ ];
        secrets."db/password" = { };
      };
    };
  };

  generated-key-by-script = {
    shows = [
      "generate-age-key.snippet"
      "setupSecrets.snippet"
      "setupSecretsForUsers.snippet"
      "sops-nix-generate-age-key.sh"
    ];
    module.system.nixos.release = "25.11";
    module.sops = {
      defaultSopsFile = ../files/secrets.yaml;
      age.keyFile = "/var/lib/sops-nix/key.txt";
      age.generateKey = true;
      secrets."db/password" = { };
    };
  };

  generated-key-by-unit = {
    shows = [
      "manifest.json"
      "manifest-for-users.json"
      "sops-nix-generate-age-key.service"
      "sops-nix-generate-age-key.sh"
      "sops-nix.service"
      "sops-nix.sh"
      "sops-nix-mount.sh"
      "sops-nix-for-users.service"
      "sops-nix-for-users.sh"
      "sops-nix-mount-for-users.sh"
    ];
    module = {
      services.userborn.enable = true;
      sops = {
        defaultSopsFile = ../files/secrets.yaml;
        age.keyFile = "/var/lib/sops-nix/key.txt";
        age.generateKey = true;
        secrets."db/password" = { };
        secrets.my-password.neededForUsers = true;
      };
    };
  };

  # A key on a disk that somebody mounts by hand. Nothing at boot waits for it, and nothing mounts it. One secret needs another key.
  key-that-comes-late = {
    shows = [
      "manifest.json"
      "sops-nix.service"
      "sops-nix.sh"
      "sops-nix.target"
      "sops-nix-mount.sh"
      "sops-nix-late-key.path"
      "sops-nix-late-key.service"
      "sops-nix-online.service"
      "sops-nix-online.sh"
      "sops-nix-late-key.sh"
      "messages"
    ];
    module = {
      fileSystems."/persist" = {
        device = "/dev/mapper/persist";
        options = [ "noauto" ];
      };
      services.openssh.enable = true;
      sops = {
        useSystemdActivation = true;
        age.keyFile = "/persist/keys/age 100%.txt";
        age.keyFileMayComeLate = true;
        defaultSopsFile = ../files/secrets.yaml;
        secrets."db/password".neededBy = [ "app.service" ];
      };
      systemd.services.app.serviceConfig.ExecStart = "/bin/true";
    };
  };

  # A key on a stick that somebody plugs in, on a host whose script installs.
  key-that-comes-late-by-script = {
    shows = [
      "manifest.json"
      "setupSecrets.snippet"
      "sops-nix.service"
      "sops-nix.sh"
      "sops-nix-mount.sh"
      "sops-nix-show-or-install.sh"
      "sops-nix-late-key.path"
      "sops-nix-late-key.service"
      "sops-nix-online.service"
      "sops-nix-online.sh"
      "sops-nix-late-key.sh"
      "messages"
    ];
    module.sops = {
      useSystemdActivation = false;
      age.keyFile = "/run/media/stick/age.txt";
      age.keyFileMayComeLate = true;
      defaultSopsFile = ../files/secrets.yaml;
      secrets."db/password" = { };
    };
  };

  # With a key service as well, the unit starts without the key, too.
  key-that-comes-late-beside-key-services = {
    shows = [
      "manifest.json"
      "sops-nix.service"
      "sops-nix.sh"
      "sops-nix-mount.sh"
      "sops-nix-late-key.path"
      "sops-nix-late-key.service"
      "sops-nix-late-key.sh"
      "sops-nix-online.service"
      "sops-nix-online.sh"
      "messages"
    ];
    module.sops = {
      useSystemdActivation = true;
      keyServices.enable = true;
      age.keyFile = "/var/keys/age.txt";
      age.keyFileMayComeLate = true;
      defaultSopsFile = ../files/secrets.yaml;
      secrets."db/password" = { };
    };
  };

  # The units are there without secrets, too, and do nothing. What is needed earlier does not come late. Those of a mock need no key.
  key-that-comes-late-without-secrets = {
    shows = [
      "manifest-for-users.json"
      "sops-nix-for-users.sh"
      "sops-nix-late-key.path"
      "sops-nix-late-key.service"
      "sops-nix-online.service"
    ];
    module.sops = {
      age.keyFile = "/persist/age.txt";
      age.keyFileMayComeLate = true;
    };
  };
  key-that-comes-late-of-a-mock = {
    shows = [
      "services"
      "sops-nix.service"
    ];
    module.sops = {
      mock = true;
      age.keyFile = "/persist/age.txt";
      age.keyFileMayComeLate = true;
      defaultSopsFile = ../files/secrets.yaml;
      secrets."db/password" = { };
    };
  };

  says-which-keys-do-not-come-late = {
    shows = [ ];
    module = {
      sops = {
        useSystemdActivation = true;
        noKeyAtFirstBoot = true;
        age.keyFileMayComeLate = true;
        age.generateKey = true;
        defaultSopsFile = ../files/secrets.yaml;
        secrets."db/password" = { };
      };
    };
  };

  # In its first boot this host may have no key. A unit looks before the installation. Nothing makes the key.
  no-key-at-first-boot = {
    shows = [
      "manifest.json"
      "manifest-for-users.json"
      "services"
      "db-client.service"
      "sops-nix-first-boot.service"
      "sops-nix-first-boot.sh"
      "sops-nix.service"
      "sops-nix.sh"
      "sops-nix.target"
      "sops-nix-mount.sh"
      "sops-nix-for-users.service"
      "sops-nix-for-users.sh"
      "sops-nix-mount-for-users.sh"
    ];
    module = {
      fileSystems."/persist" = {
        device = "/dev/persist";
        neededForBoot = true;
      };
      services.userborn.enable = true;
      systemd.services.db-client = {
        wantedBy = [ "multi-user.target" ];
        serviceConfig.ExecStart = "/bin/sleep infinity";
      };
      sops = {
        noKeyAtFirstBoot = true;
        age.keyFile = "/persist/sops-nix/my key.txt";
        defaultSopsFile = ../files/secrets.yaml;
        secrets."db/password" = { };
        credentials.db-client.password = "db/password";
      };
    };
  };

  # That unit looks when the installer would: after everything that is ordered before the installer, wherever the order stands. sshd makes the keys.
  no-key-at-first-boot-in-its-order = {
    shows = [
      "sops-nix-first-boot.service"
      "sops-nix-first-boot.sh"
    ];
    module = {
      services.openssh.enable = true;
      fileSystems."/etc/ssh".device = "/dev/keys";
      systemd.services.unlock = {
        before = [ "sops-install-secrets.service" ];
        unitConfig.DefaultDependencies = false;
      };
      systemd.services.bind = {
        unitConfig.Before = "sops-nix.service";
        unitConfig.DefaultDependencies = false;
      };
      sops = {
        noKeyAtFirstBoot = true;
        defaultSopsFile = ../files/secrets.yaml;
        secrets."db/password" = { };
      };
    };
  };

  # These settings of the installer's unit bring no key. Services with secrets of another phase start as ever. This host has no sshd.
  no-key-at-first-boot-with-harmless-settings = {
    shows = [
      "messages"
      "early-client.service"
      "sops-nix-first-boot.sh"
    ];
    module = {
      systemd.services.sops-nix = {
        before = [ "early.service" ];
        unitConfig.OnFailure = "tell.service";
        serviceConfig.Nice = 5;
      };
      systemd.services.early-client.serviceConfig.ExecStart = "/bin/true";
      services.userborn.enable = true;
      sops = {
        noKeyAtFirstBoot = true;
        age.sshKeyPaths = [ "/etc/ssh/ssh_host_ed25519_key" ];
        defaultSopsFile = ../files/secrets.yaml;
        secrets."db/password" = { };
        secrets.my-password.neededForUsers = true;
        credentials.early-client.password = "my-password";
      };
    };
  };

  # Where nothing is installed, nobody looks for a key.
  no-key-at-first-boot-without-secrets = {
    shows = [
      "sops-nix-first-boot.sh"
      "sops-nix.service"
    ];
    module.sops.noKeyAtFirstBoot = true;
  };
  no-key-at-first-boot-of-a-mock = {
    shows = [
      "services"
      "sops-nix.service"
    ];
    module.sops = {
      noKeyAtFirstBoot = true;
      mock = true;
      defaultSopsFile = ../files/secrets.yaml;
      secrets."db/password" = { };
    };
  };

  # A key that is there, or that something brings before the secrets are installed, was made before. So may be one that another setting brings into the unit.
  says-that-a-host-has-a-key-at-its-first-boot = {
    shows = [ ];
    module = {
      systemd.services.sops-nix = {
        wants = [ "fetch-key.service" ];
        unitConfig.JoinsNamespaceOf = "fetch-key.service";
        serviceConfig.BindReadOnlyPaths = [ "/persist/etc/ssh:/etc/ssh" ];
      };
      systemd.services.sops-install-secrets.environment.SOPS_AGE_KEY_FILE = "/persist/key.txt";
      services.openssh.enable = true;
      sops = {
        noKeyAtFirstBoot = true;
        useSystemdActivation = true;
        after = [ "unlock.service" ];
        preInstall = "true";
        hostRecipients = [ "age1lqdfd04ayd3w3fys6gzmvx77sg4lmcqyn3gyy7w8ltle5p9qefpqs9xgzp" ];
        environment.SOPS_AGE_KEY_FILE = "/persist/key.txt";
        keyServices.enable = true;
        age.generateKey = true;
        age.keyFile = "/var/lib/sops-nix/key.txt";
        defaultSopsFile = ../files/secrets.yaml;
        secrets."db/password" = { };
      };
    };
  };
  says-that-a-replaced-unit-may-have-a-key-at-its-first-boot = {
    shows = [ ];
    module =
      { lib, ... }:
      {
        systemd.services.sops-nix = lib.mkForce { };
        services.openssh.enable = true;
        sops = {
          noKeyAtFirstBoot = true;
          defaultSopsFile = ../files/secrets.yaml;
          secrets."db/password" = { };
        };
      };
  };

  # The default is activation by units, because systemd gives credentials to units.
  key-credential = {
    shows = [
      "manifest.json"
      "services"
      "scripts"
      "sops-nix.service"
    ];
    module.sops = {
      defaultSopsFile = ../files/secrets.yaml;
      age.keyCredential = "sops-age-key";
      secrets."db/password" = { };
    };
  };

  key-credential-with-userborn = {
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
    module = {
      services.userborn.enable = true;
      sops = {
        defaultSopsFile = ../files/secrets.yaml;
        age.keyCredential = "sops-age-key";
        secrets."db/password" = { };
        secrets.my-password.neededForUsers = true;
      };
    };
  };

  key-timeout = host {
    age.keyFile = "/var/lib/sops-nix/key.txt";
    keyTimeout = 120;
  };

  # The deadline of the unit leaves time for all other steps.
  short-key-timeout = host {
    age.keyFile = "/var/lib/sops-nix/key.txt";
    keyTimeout = 5;
  };

  # The unit may use eight times this much memory.
  max-size = host {
    age.keyFile = "/var/lib/sops-nix/key.txt";
    maxSize = 1024;
  };

  # The example of docs/switch-from-sops-nix.md.
  key-on-a-smart-card = {
    shows = [ "sops-nix.service" ];
    module = {
      imports = [
        (host {
          age.keyFile = "/var/lib/sops-nix/key.txt";
          age.plugins = [ pkgs.age-plugin-yubikey ];
        }).module
      ];
      systemd.services.sops-nix = {
        wants = [ "pcscd.socket" ];
        after = [ "pcscd.socket" ];
      };
    };
  };

  gnupg-home = {
    shows = [
      "manifest.json"
      "sops-nix.service"
      "sops-nix.sh"
    ];
    inherit
      (host {
        gnupg.home = "/persist/gnupg";
        gnupg.sshKeyPaths = [ ];
      })
      module
      ;
  };

  gnupg-package = {
    shows = [ "sops-nix.sh" ];
    inherit
      (host {
        gnupg.home = "/root/.gnupg";
        gnupg.package = pkgs.hello;
      })
      module
      ;
  };

  # If the configuration names a gpg, the installer starts it, and gpg must not be confined like the installer.
  gpg-of-the-environment = {
    shows = [ "sops-nix.service" ];
    inherit
      (host {
        age.keyFile = "/var/lib/sops-nix/key.txt";
        environment.SOPS_GPG_EXEC = "/run/wrappers/bin/gpg";
      })
      module
      ;
  };

  age-plugins = {
    shows = [
      "sops-nix.service"
      "sops-nix.sh"
    ];
    inherit
      (host {
        age.keyFile = "/var/lib/sops-nix/key.txt";
        age.plugins = [
          pkgs.age-plugin-tpm
          pkgs.age-plugin-yubikey
        ];
      })
      module
      ;
  };

  key-from-the-environment = {
    shows = [
      "manifest.json"
      "sops-nix.service"
      "sops-nix.sh"
    ];
    inherit (host { environment.SOPS_AGE_KEY_FILE = "/run/keys/age"; }) module;
  };

  key-from-a-command = {
    shows = [ "sops-nix.service" ];
    inherit (host { environment.SOPS_AGE_KEY_CMD = "/run/current-system/sw/bin/fetch-key"; }) module;
  };

  # A variable of a service is enough.
  key-service-of-a-cloud = {
    shows = [
      "manifest.json"
      "sops-nix.service"
    ];
    inherit (host { environment.AWS_REGION = "eu-central-1"; }) module;
  };

  # An option of a service is enough.
  key-service-of-azure = {
    shows = [
      "manifest.json"
      "sops-nix.service"
    ];
    inherit (host { keyServices.azure.clientSecretFile = "/run/keys/azure-secret"; }) module;
  };

  # A plugin asks a service itself.
  key-service-of-a-plugin = {
    shows = [ "manifest.json" ];
    inherit
      (host {
        environment.AWS_REGION = "eu-central-1";
        keyServices.aws.profile = "secrets";
        keyServices.hideCredentials = false;
      })
      module
      ;
  };

  # Every option for key services, and no other key.
  key-services = {
    shows = [
      "manifest.json"
      "sops-nix.service"
    ];
    inherit
      (host {
        after = [ "network-online.target" ];
        keyServices = {
          allowedEndpoints = [ "https://vault.example.com:8200" ];
          addresses = [ "unix:///run/sops-keyservice.sock" ];
          environmentFile = "/run/keys/aws.env";
          timeout = 20;
          certificateFile = "/etc/ssl/all.pem";
          aws = {
            profile = "secrets";
            roleArn = "arn:aws:iam::111122223333:role/web";
            webIdentityTokenFile = "/run/keys/token";
            configFile = "/etc/aws/config";
            credentialsFile = "/run/keys/aws-credentials";
          };
          azure = {
            tenantId = "11111111-2222-3333-4444-555555555555";
            clientId = "66666666-7777-8888-9999-aaaaaaaaaaaa";
            clientSecretFile = "/run/keys/azure-secret";
            certificateFile = "/run/keys/azure.pem";
            federatedTokenFile = "/run/keys/azure-token";
            authorityHost = "https://login.chinacloudapi.cn";
          };
          google = {
            credentialsFile = "/run/keys/google.json";
            endpoint = "https://cloudkms.example.com";
            universeDomain = "s3nsapis.fr";
          };
          huawei = {
            credentialsFile = "/run/keys/huawei";
            projectId = "0d0466b000aa4ab9a5d3b1c2d3e4f506";
            iamEndpoint = "https://iam.example.com";
          };
          vault = {
            tokenFile = "/run/vault/token";
            namespace = "admin/web";
            agentAddress = "http://127.0.0.1:8100";
            certificateFile = "/etc/ssl/vault.pem";
            clientCertificateFile = "/etc/ssl/host.pem";
            clientKeyFile = "/run/keys/host.key";
            roleId = "0d0466b0-e727-4d9c-b35d-f84bb474a37f";
            secretIdFile = "/run/keys/secret-id";
            kubernetesRole = "web";
            kubernetesTokenFile = "/run/keys/pod-token";
            authPath = "team/approle";
          };
        };
      })
      module
      ;
  };

  # The service comes with the network, after the boot has gone on. A service waits for its secret; another secret needs no network.
  key-service-that-boots = {
    shows = [
      "manifest.json"
      "sops-nix.service"
      "sops-nix-online.service"
      "sops-nix.sh"
      "sops-nix-online.sh"
      "sops-nix.target"
      "sops-nix-mount.sh"
      "vault.service"
      "app.service"
      "messages"
    ];
    module = {
      imports = [ lateVault ];
      sops.useSystemdActivation = true;
    };
  };

  # The same where a script installs.
  key-service-that-boots-by-script = {
    shows = [
      "manifest.json"
      "setupSecrets.snippet"
      "sops-nix.service"
      "sops-nix-online.service"
      "sops-nix.sh"
      "sops-nix-online.sh"
      "sops-nix-mount.sh"
      "sops-nix-show-or-install.sh"
      "vault.service"
      "app.service"
      "messages"
    ];
    module = {
      imports = [ lateVault ];
      sops.useSystemdActivation = false;
    };
  };

  # Who waits for whom: a secret that only a service opens, one that an age key of somebody else could open as well, and one that needs no service.
  key-service-and-those-who-need-its-secrets = {
    shows = [
      "manifest.json"
      "sops-nix.service"
      "sops-nix-online.service"
      "sops-nix.target"
      "web.service"
      "messages"
    ];
    module = { config, ... }: {
      sops = {
        defaultSopsFile = ../files/secrets.yaml;
        useSystemdActivation = true;
        age.keyFile = "/var/lib/sops-nix/key.txt";
        keyServices.enable = true;
        validateSopsFiles = false;
        secrets."db/password".neededBy = [ "db" ];
        secrets.token = {
          sopsFile = ../files/vault.yaml;
          neededBy = [
            "app.service"
            "reloads.service"
            "worker@1.service"
            "typo"
          ];
          reloadUnits = [ "reloads" ];
        };
        # An earlier sops named all services in each file.
        secrets."database/host" = {
          sopsFile = ../../fixtures/3.7.3/nesting.yaml;
          neededBy = [ "db" ];
        };
        secrets.int = {
          sopsFile = ../../fixtures/3.7.3/types.json;
          format = "json";
          neededBy = [ "db" ];
        };
        # Nobody knows before it is built.
        secrets.outside = {
          sopsFile = "/etc/secrets.yaml";
          neededBy = [ "outside.target" ];
        };
        templates.conf = {
          content = "token=${config.sops.placeholder.token}";
          neededBy = [ "conf" ];
        };
        credentials.web.token = "token";
        credentials.web.password = "db/password";
      };
      systemd.services = lib.genAttrs [ "db" "app" "reloads" "worker@" "conf" "web" ] (_: {
        serviceConfig.ExecStart = "/bin/true";
      });
      systemd.targets.outside = { };
    };
  };

  # What cannot wait until the network is there.
  says-what-key-services-come-too-late-for = {
    shows = [ ];
    module = {
      sops = {
        age.keyFile = "/var/lib/sops-nix/key.txt";
        useSystemdActivation = true;
        keyServices.enable = true;
        defaultSopsFile = ../files/vault.yaml;
        secrets.password.key = "token";
        secrets.password.neededForUsers = true;
        secrets.disk.key = "token";
        secrets.disk.neededForFileSystems = true;
        secrets.token.neededBy = [
          "wireguard.service"
          "vpn.service"
          "firewall.service"
          "systemd-networkd.service"
        ];
        credentials.wireguard.token = "token";
      };
      # The first is before the network is online, and the others are before the network.
      systemd.services = {
        wireguard = {
          before = [ "network-online.target" ];
          serviceConfig.ExecStart = "/bin/true";
        };
        vpn = {
          before = [ "network.target" ];
          serviceConfig.ExecStart = "/bin/true";
        };
        firewall = {
          before = [ "network-pre.target" ];
          serviceConfig.ExecStart = "/bin/true";
        };
      };
    };
  };

  # The user's own authorities count, and nothing of a service is configured.
  key-services-with-own-authorities = {
    shows = [ "manifest.json" ];
    inherit
      (host {
        keyServices.enable = true;
        environment.SSL_CERT_FILE = "/etc/ssl/own.pem";
      })
      module
      ;
  };

  # Who turns it off has neither the program nor the network.
  key-services-turned-off = {
    shows = [
      "manifest.json"
      "sops-nix.service"
    ];
    inherit
      (host {
        age.keyFile = "/var/lib/sops-nix/key.txt";
        keyServices.enable = false;
        keyServices.vault.tokenFile = "/run/vault/token";
      })
      module
      ;
  };

  renamed-gnupg-home = {
    shows = [ "manifest.json" ];
    inherit
      (host {
        gnupgHome = "/root/.gnupg";
        sshKeyPaths = [ ];
      })
      module
      ;
  };

  renamed-ssh-keys = {
    shows = [ "manifest.json" ];
    inherit (host { sshKeyPaths = [ "/etc/ssh/rsa" ]; }) module;
  };
}
