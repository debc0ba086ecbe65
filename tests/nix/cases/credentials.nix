# Secrets that services get as credentials.
{ ... }:

let
  host = module: {
    imports = [ module ];
    services.userborn.enable = true;
    sops.defaultSopsFile = ../files/secrets.yaml;
    sops.age.keyFile = "/var/lib/sops-nix/key.txt";
    sops.secrets."db/password" = { };
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
