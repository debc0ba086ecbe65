# Other units that are ordered before ours. Ordinary units start after sysinit.target, and ours should start before it.
{ lib, pkgs }:

let
  host = module: {
    imports = [ module ];
    services.userborn.enable = true;
    sops.defaultSopsFile = ../files/secrets.yaml;
    sops.age.keyFile = "/var/lib/sops-nix/key.txt";
    sops.secrets."db/password" = { };
  };
  early.unitConfig.DefaultDependencies = false;
  oneshot = command: {
    wantedBy = [ "multi-user.target" ];
    serviceConfig = {
      Type = "oneshot";
      RemainAfterExit = true;
      ExecStart = command;
    };
  };
  # Units of each kind that come before our units, or after which ours are ordered. The secrets must come after all of them, and
  # there must be no cycle.
  around = {
    systemd.services = {
      # This unit makes the key.
      make-key =
        oneshot "/bin/sh -c 'mkdir -p /var/lib/sops-nix && cp /test/age.txt /var/lib/sops-nix/key.txt'"
        // {
          before = [ "sops-nix.service" ];
        };
      # This unit is ordered by the old name, which is an alias.
      vault-sync = oneshot "/bin/true" // {
        before = [ "sops-install-secrets.service" ];
      };
      # This order is only in the unit file.
      wait-for-token = oneshot "/bin/true" // {
        unitConfig.Before = "sops-nix.service";
      };
      sops-nix.after = [ "token.service" ];
      token = oneshot "/bin/true";
      app = oneshot "/bin/sh -c 'cat /run/secrets/db/password >> /app'" // {
        after = [ "sops-nix.service" ];
      };
    };
  };
  wireguard.serviceConfig.LoadCredential = [ "wireguard.key:/run/secrets/db/password" ];
  copying = "C /var/lib/app/key 0400 root root - /run/secrets/db/password";

  shown = [
    "manifest.json"
    "sops-nix.service"
    "sops-nix.target"
    "sops-nix.sh"
    "sops-nix-mount.sh"
    "make-key.service"
    "vault-sync.service"
    "wait-for-token.service"
    "token.service"
    "app.service"
  ];
in
{
  # A rule that copies a secret comes after the secrets. The unit that applies the rules on a switch comes after them too.
  tmpfiles-that-copies-a-secret = {
    shows = [ "sops-nix.service" ];
    module = host { systemd.tmpfiles.rules = [ copying ]; };
  };
  # A rule that makes the key comes before the secrets, or at least not after them.
  tmpfiles-that-makes-the-key = {
    shows = [ "sops-nix.service" ];
    module = host {
      systemd.tmpfiles.rules = [
        copying
        "L+ /var/lib/sops-nix/key.txt - - - - /persist/key.txt"
      ];
    };
  };
  # The network waits for a key of its own,
  network-with-a-secret = {
    shows = [ "sops-nix.service" ];
    module = host { systemd.services.systemd-networkd = early // wireguard; };
  };
  # But the network does not wait for the secrets if a local file system waits for the network, and the secrets wait for that file
  # system. Other file systems may wait for the network.
  says-that-a-local-file-system-waits-for-the-network = {
    shows = [ "sops-nix.service" ];
    module = host {
      systemd.services.systemd-networkd = early // wireguard;
      fileSystems."/data".options = [ "x-systemd.requires=network-online.target" ];
      fileSystems."/remote".options = [ "_netdev,x-systemd.requires=network-online.target" ];
      fileSystems."/later".options = [
        "nofail"
        "x-systemd.after=network-online.target"
      ];
      systemd.mounts = [
        {
          where = "/more";
          after = [ "network.target" ];
        }
        {
          where = "/more-later";
          wantedBy = [ "local-fs.target" ];
          after = [ "network.target" ];
          options = "_netdev";
        }
        {
          where = "/by-hand";
          after = [ "network.target" ];
          unitConfig.DefaultDependencies = "no";
        }
      ];
    };
  };
  # The import of a pool that gets its key from the network makes its file systems wait.
  says-that-a-pool-waits-for-the-network = {
    shows = [ "sops-nix.service" ];
    module = host {
      systemd.services.systemd-networkd = early // wireguard;
      systemd.services.zfs-import-tank = early // {
        after = [ "network-online.target" ];
        before = [ "tank-data.mount" ];
      };
      fileSystems."/tank/data".fsType = "zfs";
      fileSystems."/export" = {
        device = "/tank/data/export";
        options = [ "bind" ];
      };
      fileSystems."/other".fsType = "zfs";
    };
  };
  # A path in such an option means the unit of that device or mount point, which is early: the secrets stay before ordinary units.
  key-on-a-file-system-of-two-disks = {
    shows = [ "sops-nix.service" ];
    module = host {
      sops.age.keyFile = lib.mkForce "/keys/age.txt";
      fileSystems."/keys" = {
        device = "/data/keys";
        options = [ "bind" ];
      };
      fileSystems."/data".options = [
        "x-systemd.requires=/dev/disk/by-id/second-disk,x-systemd.after=/more"
      ];
      fileSystems."/more".fsType = "ext4";
    };
  };
  # The network does not wait for the secrets either if the installer itself needs the network, here for a key command.
  network-with-a-secret-and-a-key-command = {
    shows = [ "sops-nix.service" ];
    module = host {
      sops.environment.SOPS_AGE_KEY_CMD = "fetch-key";
      systemd.services.systemd-networkd = early // wireguard;
    };
  };

  # PrivateTmp makes a unit wait for tmpfiles. If our unit were before tmpfiles, there would be a cycle.
  early-unit-with-a-directory-of-its-own-before-the-unit = {
    shows = [ "sops-nix.service" ];
    module = host {
      systemd.tmpfiles.rules = [ copying ];
      systemd.services.make-key = early // {
        before = [ "sops-nix.service" ];
        serviceConfig.PrivateTmp = true;
      };
    };
  };
  private-tmp-of-the-unit = {
    shows = [ "sops-nix.service" ];
    module = host {
      systemd.tmpfiles.rules = [ copying ];
      systemd.services.sops-nix.serviceConfig.PrivateTmp = true;
    };
  };
  early-network-before-the-unit = {
    shows = [ "sops-nix.service" ];
    module = host {
      systemd.services.systemd-networkd =
        early
        // wireguard
        // {
          before = [ "sops-nix.service" ];
        };
    };
  };

  ordinary-units-before-the-unit = {
    shows = shown;
    module = host around;
  };
  # At boot, the script runs before all of these units. Later, the unit tries again what the script could not do.
  ordinary-units-before-the-unit-with-scripts = {
    shows = shown ++ [
      "sops-nix-show-or-install.sh"
      "setupSecrets.snippet"
    ];
    module = host {
      imports = [ around ];
      system.nixos.release = "25.11";
      services.userborn.enable = lib.mkForce false;
    };
  };

  # These units start early themselves, so the secrets stay before sysinit.target.
  early-units-before-the-unit = {
    shows = [
      "sops-nix.service"
      "make-key.service"
      "late-socket.service"
      "preservation.target"
      "persist.service"
    ];
    module = host {
      systemd.services = {
        make-key =
          oneshot "/bin/true"
          // early
          // {
            before = [ "sops-nix.service" ];
            after = [
              "systemd-udevd.service"
              "dev-disk-by\\x2dlabel-keys.device"
              "local-fs.target"
            ];
          };
        # This unit is masked, so it never starts.
        disabled = {
          enable = false;
          before = [ "sops-nix.service" ];
        };
        persist =
          oneshot "/bin/true"
          // early
          // {
            wantedBy = [ "preservation.target" ];
          };
        sops-nix.after = [ "preservation.target" ];
        late-socket = oneshot "/bin/true" // {
          after = [ "sops-nix.service" ];
        };
      };
      systemd.targets.preservation.before = [ "sops-install-secrets.service" ];
      systemd.mounts = [
        {
          where = "/keys";
          what = "/dev/disk/by-label/keys";
          before = [ "sops-nix.service" ];
        }
      ];
      fileSystems."/persist".options = [ "x-systemd.before=sops-nix.service" ];
    };
  };
}
//
  lib.mapAttrs'
    (name: module: {
      name = "ordinary-${name}-before-the-unit";
      value = {
        shows = [
          "sops-nix.service"
        ]
        ++ lib.optional (name == "unit-that-unlocks-the-key") "unlock.service"
        ++ lib.optional (name == "mount-that-an-early-unit-requires") "make-key.service";
        module = host module;
      };
    })
    {
      # This unit waits for an ordinary unit, and so for sysinit.target.
      early-unit-after-another.systemd.services = {
        make-key =
          oneshot "/bin/true"
          // early
          // {
            before = [ "sops-nix.service" ];
            after = [ "enrol.service" ];
          };
        enrol = oneshot "/bin/true";
      };
      member-of-a-target.systemd = {
        targets.keys.before = [ "sops-nix.service" ];
        services.make-key = oneshot "/bin/true" // {
          wantedBy = [ "keys.target" ];
        };
      };
      socket.systemd.sockets.token.before = [ "sops-nix.service" ];
      timer.systemd.timers.token.before = [ "sops-nix.service" ];
      path-unit.systemd.paths.token.before = [ "sops-nix.service" ];
      network-mount.systemd.mounts = [
        {
          where = "/keys";
          what = "server:/keys";
          type = "nfs";
          before = [ "sops-nix.service" ];
        }
      ];
      mount-of-the-key = {
        sops.age.keyFile = lib.mkForce "/keys/age.txt";
        systemd.mounts = [
          {
            where = "/keys";
            what = "server:/keys";
            type = "nfs";
          }
        ];
      };
      network-disk-of-the-key = {
        sops.age.keyFile = lib.mkForce "/keys/age.txt";
        fileSystems."/keys" = {
          fsType = "ext4";
          options = [ "_netdev,x-systemd.requires=iscsi.service" ];
        };
      };
      unit-that-unlocks-the-key = {
        sops.age.keyFile = lib.mkForce "/keys/age.txt";
        fileSystems."/keys".options = [
          "nofail"
          "x-systemd.requires=unlock.service"
        ];
        systemd.services.unlock = oneshot "/bin/true";
      };
      network-file-system.fileSystems."/keys" = {
        fsType = "cifs";
        options = [ "x-systemd.before=sops-nix.service" ];
      };
      file-system-that-waits.fileSystems."/keys".options = [
        "x-systemd.requires=unlock.service"
        "x-systemd.before=sops-install-secrets.service"
      ];
      # This order is only in the file of our unit.
      unit-in-the-unit-file.systemd.services = {
        sops-nix = lib.mkIf true {
          unitConfig = lib.mkMerge [
            (lib.mkIf false { After = "other.service"; })
            { After = lib.mkForce [ "local-fs.target token.service" ]; }
          ];
        };
        token = oneshot "/bin/true";
      };
      unit-in-a-function-of-the-unit.systemd.services = {
        sops-nix =
          { name, ... }:
          {
            unitConfig.After = "${name}-token.service";
          };
        sops-nix-token = oneshot "/bin/true";
      };
      unit-in-the-unit-file-by-the-former-name.systemd.services = {
        sops-install-secrets.unitConfig.After = "token.service";
        token = oneshot "/bin/true";
      };
      mount-that-the-unit-requires = {
        systemd.services.sops-nix.unitConfig.RequiresMountsFor = "/data/a";
        fileSystems."/data".fsType = "nfs";
      };
      mount-that-the-unit-requires-by-the-former-name = {
        systemd.services.sops-install-secrets.unitConfig.RequiresMountsFor = [ "/data/a" ];
        fileSystems."/data".fsType = "nfs";
      };
      mount-that-an-early-unit-requires = {
        systemd.services.make-key = oneshot "/bin/true" // {
          before = [ "sops-nix.service" ];
          unitConfig = early.unitConfig // {
            RequiresMountsFor = "/data/a";
          };
        };
        fileSystems."/data".fsType = "nfs";
      };
      unit-before-the-key-is-made = {
        sops.age.generateKey = true;
        systemd.services.enrol = oneshot "/bin/true" // {
          before = [ "sops-nix-generate-age-key.service" ];
        };
      };
    }
// {
  # `path`, `environment` and an ordering under our own name take effect, and cause no cycle.
  settings-by-the-own-name = {
    shows = [ "sops-nix.service" ];
    module = host {
      systemd.services.sops-nix = {
        after = [ "sshd.service" ];
        path = [ pkgs.hello ];
        environment.FOO = "bar";
      };
      systemd.services.sshd = oneshot "/bin/true";
    };
  };
  # NixOS does not know when a unit of a package starts.
  says-nothing-to-who-knows-that-a-unit-is-early = {
    shows = [ "sops-nix.service" ];
    module = host {
      systemd.services.sops-nix = {
        after = [ "unlock-usb.service" ];
        before = [ "sysinit.target" ];
      };
    };
  };

  # Without a secret with `neededForUsers`, users do not wait.
  ordinary-units-before-the-early-unit-without-secrets = {
    shows = [
      "sops-nix.service"
      "sops-nix-for-users.service"
      "make-key.service"
    ];
    module = host {
      systemd.services.make-key = oneshot "/bin/true" // {
        before = [
          "sops-install-secrets.service"
          "sops-install-secrets-for-users.service"
        ];
      };
    };
  };

  says-early-secrets-with-a-key-on-a-mount-unit = {
    shows = [ ];
    module = host {
      sops.secrets.my-password.neededForUsers = true;
      sops.age.keyFile = lib.mkForce "/keys/age.txt";
      systemd.mounts = [
        {
          where = "/keys";
          what = "/dev/disk/by-label/keys";
        }
      ];
    };
  };
  says-early-secrets-with-a-key-that-is-made-after-an-ordinary-unit = {
    shows = [ ];
    module = host {
      sops.secrets.my-password.neededForUsers = true;
      sops.age.generateKey = true;
      systemd.services.enrol = oneshot "/bin/true" // {
        before = [ "sops-nix-generate-age-key.service" ];
      };
    };
  };

  # Users cannot wait for ordinary units, which wait for them.
  says-early-secrets-after-ordinary-units = {
    shows = [ ];
    module = host {
      sops.secrets.my-password.neededForUsers = true;
      systemd.services = {
        make-key = oneshot "/bin/true" // {
          before = [ "sops-nix-for-users.service" ];
        };
        vault-sync = oneshot "/bin/true" // {
          before = [ "sops-install-secrets-for-users.service" ];
        };
        # This unit is not ordered after sysinit.target, but it comes after the users.
        enrol =
          oneshot "/bin/true"
          // early
          // {
            after = [ "systemd-tmpfiles-setup.service" ];
          };
        sops-install-secrets-for-users.after = [ "enrol.service" ];
        late = oneshot "/bin/true";
        later = oneshot "/bin/true";
        sops-nix-for-users.unitConfig.After = [ "late.service" ];
        sops-install-secrets-for-users.unitConfig.After = [ "later.service" ];
        # A unit that is not defined here cannot be checked.
        sops-nix-for-users.after = [ "unlock-usb.service" ];
      };
    };
  };
  # Users cannot wait for file systems that systemd mounts either, because the units that make /dev for them wait for users.
  says-early-secrets-after-local-file-systems = {
    shows = [ ];
    module = host {
      sops.secrets.my-password.neededForUsers = true;
      fileSystems = {
        "/" = { };
        "/persist" = { };
        "/data" = { };
        "/var" = { };
      };
      systemd.services = {
        sops-nix-for-users = {
          unitConfig.RequiresMountsFor = "/persist/keys /var/keys";
          after = [ "local-fs.target" ];
        };
        unlock =
          oneshot "/bin/true"
          // early
          // {
            before = [ "sops-nix-for-users.service" ];
            after = [ "data.mount" ];
          };
      };
    };
  };
  # If fstab has no entry for /, as in a container, the local file systems do not wait for users.
  says-nothing-of-local-file-systems-in-a-container = {
    shows = [ ];
    module = host {
      sops.secrets.my-password.neededForUsers = true;
      systemd.services.sops-nix-for-users.after = [ "local-fs.target" ];
    };
  };
  early-units-before-the-early-unit = {
    shows = [
      "sops-nix-for-users.service"
      "make-key.service"
    ];
    module = host {
      sops.secrets.my-password.neededForUsers = true;
      systemd.services.make-key =
        oneshot "/bin/true"
        // early
        // {
          before = [ "sops-install-secrets-for-users.service" ];
        };
    };
  };
}
