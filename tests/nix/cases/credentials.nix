# Secrets that services get as credentials.
{ lib, ... }:

let
  host = module: {
    imports = [ module ];
    services.userborn.enable = true;
    sops.defaultSopsFile = ../files/secrets.yaml;
    sops.age.keyFile = "/var/lib/sops-nix/key.txt";
    sops.secrets."db/password" = { };
  };
  # Units that ordinary units may have to wait for.
  early = {
    unitConfig.DefaultDependencies = false;
    serviceConfig.Type = "oneshot";
    serviceConfig.ExecStart = "/bin/true";
  };
  ordinary = {
    serviceConfig.Type = "oneshot";
    serviceConfig.ExecStart = "/bin/true";
  };
in
{
  # A service with next to no rights, which starts before ordinary units wait for anything.
  credential-of-a-service-without-rights = {
    shows = [
      "manifest.json"
      "sops-nix.service"
      "sops-nix.target"
      "sops-nix.sh"
      "sops-nix-mount.sh"
      "app.service"
    ];
    module = host {
      sops.credentials.app.password = "db/password";
      systemd.services.app = {
        wantedBy = [ "sysinit.target" ];
        before = [ "sysinit.target" ];
        unitConfig.DefaultDependencies = false;
        serviceConfig = {
          Type = "oneshot";
          RemainAfterExit = true;
          DynamicUser = true;
          RestrictAddressFamilies = "none";
          PrivateMounts = true;
          PrivateTmp = true;
          PrivateDevices = true;
          PrivateUsers = true;
          ProtectSystem = "strict";
          ProtectHome = true;
          ProtectProc = "invisible";
          InaccessiblePaths = "/run/secrets /run/secrets.d";
          CapabilityBoundingSet = "";
          StandardOutput = "append:/app";
          ExecStart = "/bin/cat %d/password";
        };
      };
    };
  };

  # Every phase, a unit by its whole name, two services with one secret, a path of its own, a percent sign.
  credentials-of-all-phases = {
    shows = [
      "manifest.json"
      "manifest-for-users.json"
      "manifest-for-file-systems.json"
      "app.service"
      "web.service"
      "getty@tty1.service"
    ];
    module = host {
      sops.secrets = {
        "db/password" = {
          path = "/etc/app/password";
          restartUnits = [ "web.service" ];
        };
        my-password.neededForUsers = true;
        disk = {
          key = "db/password";
          neededForFileSystems = true;
        };
        "100%".key = "db/password";
      };
      sops.credentials = {
        app.password = "db/password";
        "app.service" = {
          early = "my-password";
          "disk.key" = "disk";
        };
        web.password = "db/password";
        "getty@tty1".login = "100%";
      };
      systemd.services.app.serviceConfig.LoadCredential = [ "own:/etc/own" ];
      systemd.services.web = { };
      systemd.services."getty@" = { };
    };
  };

  # Instances. A template that the configuration has keeps its PATH and its other variables. An instance with a command of its own is a whole unit, as NixOS
  # makes it, whether there is a template or not. A setting of the user counts.
  credentials-of-instances = {
    shows = [
      "sops-nix.service"
      "backup@.service"
      "backup@daily.service"
      "backup@weekly.service"
      "backup@yearly.service"
      "container@.service"
      "container@web.service"
      "worker@1.service"
      "stop@1.service"
      "console-getty.service"
    ];
    module =
      { pkgs, ... }:
      {
        imports = [ (host { }) ];
        systemd.globalEnvironment.TZDIR = "/etc/zoneinfo";
        sops.credentials =
          lib.genAttrs
            [
              "backup@daily"
              "backup@weekly"
              "backup@yearly"
              "container@web"
              "worker@1"
              "stop@1"
              "console-getty"
            ]
            (_: {
              password = "db/password";
            });
        systemd.services = {
          "backup@" = ordinary // {
            path = [ pkgs.age ];
            environment.TZDIR = "/etc/elsewhere";
          };
          "backup@daily".wantedBy = [ "multi-user.target" ];
          "backup@weekly".path = [ pkgs.jq ];
          "backup@yearly".overrideStrategy = "asDropin";
          "container@" = ordinary;
          "container@web" = {
            serviceConfig.Type = "oneshot";
            script = "true";
          };
          "worker@1".serviceConfig.ExecStart = "/bin/true";
          "stop@1" = {
            serviceConfig.Type = "oneshot";
            serviceConfig.RemainAfterExit = true;
            preStop = "true";
          };
          # A unit that a package brings, or a generator.
          console-getty = { };
        };
      };
  };

  # A script installs before any unit starts. So no unit has to wait for the secrets, and no order is wrong.
  credentials-with-scripts = {
    shows = [
      "sops-nix.service"
      "app.service"
    ];
    module = host {
      services.userborn.enable = lib.mkForce false;
      sops.useSystemdActivation = false;
      sops.credentials.app.password = "db/password";
      systemd.services.app = early // {
        before = [ "local-fs.target" ];
      };
    };
  };

  # Services that start before their secrets in ways that are not plain to see. systemd finds a cycle in the units of each of these cases.
  says-credentials-that-come-too-early-for-a-late-unit = {
    shows = [
      "sops-nix.service"
      "fetch.service"
      "app.service"
    ];
    module = host {
      sops.credentials.app.password = "db/password";
      systemd.services = {
        sops-nix.after = [ "fetch.service" ];
        fetch = ordinary;
        app = early // {
          before = [ "sysinit.target" ];
          wantedBy = [ "sysinit.target" ];
        };
      };
    };
  };
  says-credentials-that-come-too-early-for-a-unit-after-the-basic-ones = {
    shows = [
      "sops-nix.service"
      "fetch.service"
      "app.service"
    ];
    module = host {
      sops.credentials.app.password = "db/password";
      systemd.services = {
        sops-nix.after = [ "fetch.service" ];
        fetch = ordinary // {
          wantedBy = [ "sysinit.target" ];
        };
        app = early // {
          before = [ "basic.target" ];
          wantedBy = [ "basic.target" ];
        };
      };
    };
  };
  says-credentials-that-come-too-early-for-a-key-of-the-network = {
    shows = [
      "sops-nix.service"
      "app.service"
    ];
    module = host {
      sops.age.keyFile = lib.mkForce "/keys/key.txt";
      fileSystems."/keys" = {
        device = "server:/keys";
        fsType = "nfs";
      };
      sops.credentials.app.password = "db/password";
      systemd.services.app = early // {
        before = [ "sysinit.target" ];
        wantedBy = [ "sysinit.target" ];
      };
    };
  };
  # The mount of the key, and the mount of something else.
  says-credentials-that-come-too-early-for-file-systems = {
    shows = [
      "sops-nix.service"
      "app.service"
      "web.service"
    ];
    module = host {
      sops.age.keyFile = lib.mkForce "/persist/key.txt";
      fileSystems."/persist" = { };
      fileSystems."/data" = { };
      sops.credentials.app.password = "db/password";
      sops.credentials.web.password = "db/password";
      systemd.services.app = early // {
        before = [ "persist.mount" ];
        wantedBy = [ "local-fs.target" ];
      };
      systemd.services.web = early // {
        before = [ "data.mount" ];
        wantedBy = [ "local-fs.target" ];
      };
    };
  };
  says-credentials-of-an-instance-that-comes-too-early = {
    shows = [
      "sops-nix.service"
      "early@.service"
      "early@x.service"
      "late@.service"
      "late@x.service"
    ];
    module = host {
      sops.credentials."early@x".password = "db/password";
      sops.credentials."late@x".password = "db/password";
      systemd.services = {
        "early@" = early // {
          before = [ "local-fs.target" ];
        };
        "early@x".wantedBy = [ "local-fs.target" ];
        "late@" = early;
        "late@x".wantedBy = [ "sysinit.target" ];
      };
    };
  };
  # The template names another unit by its own instance.
  says-credentials-of-an-instance-that-comes-too-early-by-its-name = {
    shows = [
      "sops-nix.service"
      "early@.service"
      "early@x.service"
      "ready-x.target"
    ];
    module = host {
      sops.credentials."early@x".password = "db/password";
      systemd.services = {
        "early@" = early // {
          before = [ "ready-%i.target" ];
        };
        "early@x".wantedBy = [ "local-fs.target" ];
      };
      systemd.targets.ready-x = {
        unitConfig.DefaultDependencies = false;
        before = [ "local-fs.target" ];
        wantedBy = [ "local-fs.target" ];
      };
    };
  };
  # The secrets wait for an instance of which there is only the template.
  says-credentials-that-come-too-early-for-an-instance = {
    shows = [
      "sops-nix.service"
      "fetch@.service"
      "app.service"
    ];
    module = host {
      sops.credentials.app.password = "db/password";
      systemd.services = {
        sops-nix.after = [ "fetch@x.service" ];
        sops-nix.wants = [ "fetch@x.service" ];
        "fetch@" = ordinary;
        app = early // {
          before = [ "sysinit.target" ];
          wantedBy = [ "sysinit.target" ];
        };
      };
    };
  };
  says-credentials-of-a-service-that-comes-too-early-by-an-alias = {
    shows = [
      "sops-nix.service"
      "app.service"
    ];
    module = host {
      sops.credentials.app.password = "db/password";
      sops.credentials.app.again = "db/password";
      systemd.services = {
        sops-nix.after = [ "e.service" ];
        app = early // {
          aliases = [ "e.service" ];
          wantedBy = [ "sysinit.target" ];
        };
      };
    };
  };
  # What the message offers is not refused in its turn. Before the users exist, a secret has no owner,
  says-credentials-that-come-too-early-of-a-secret-with-an-owner = {
    shows = [ ];
    module = host {
      users.users.alice.group = "users";
      sops.secrets."db/password".owner = "alice";
      sops.credentials.app.password = "db/password";
      systemd.services.app = early // {
        before = [ "local-fs.target" ];
      };
    };
  };
  # and no secret is there before its own unit.
  says-credentials-that-come-before-all-secrets = {
    shows = [ ];
    module = host {
      sops.credentials.app.password = "db/password";
      systemd.services.app = early // {
        before = [
          "systemd-remount-fs.service"
          "local-fs.target"
        ];
      };
    };
  };

  # A file system waits by the order of a service, not by its own options.
  says-that-a-service-makes-a-local-file-system-wait-for-the-unit = {
    shows = [ ];
    module = host {
      fileSystems."/data" = { };
      systemd.services.app = early // {
        before = [ "data.mount" ];
        after = [ "sops-nix.service" ];
      };
    };
  };

  says-credentials-of-units-that-are-not-there = {
    shows = [ ];
    module = host {
      sops.credentials.ngnix.password = "db/password";
      sops.credentials."getty@".password = "db/password";
      systemd.services.nginx = { };
      systemd.services."getty@" = { };
    };
  };
  # A definition that does not count, and services that start before their secrets: directly, and by way of a target.
  says-credentials-of-services-that-come-too-early = {
    shows = [ ];
    module =
      { lib, ... }:
      {
        imports = [ (host { }) ];
        sops.secrets.disk = {
          key = "db/password";
          neededForFileSystems = true;
        };
        sops.credentials.none.password = "db/password";
        sops.credentials.first.password = "db/password";
        sops.credentials.early.password = "db/password";
        sops.credentials.in-time.disk = "disk";
        systemd.services.none = lib.mkIf false { description = "x"; };
        systemd.services.first.before = [ "sops-nix.service" ];
        systemd.services.early = {
          before = [ "local-fs.target" ];
          unitConfig.DefaultDependencies = false;
        };
        systemd.services.in-time = {
          before = [ "local-fs.target" ];
          unitConfig.DefaultDependencies = false;
        };
      };
  };
  says-credentials-that-cannot-be = {
    shows = [ ];
    module = host {
      sops.credentials.nginx.password = "db/pasword";
      sops.credentials.nginx."db/password" = "db/password";
      systemd.services.nginx = { };
    };
  };
}
