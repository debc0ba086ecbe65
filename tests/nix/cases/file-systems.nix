# Secrets and templates that are needed before file systems are mounted.
{ ... }:

let
  host = module: {
    imports = [ module ];
    services.openssh.enable = true;
    sops.defaultSopsFile = ../files/secrets.yaml;
    fileSystems."/" = { };
  };
  # A key for a disk.
  disk = module: {
    imports = [
      (host module)
    ];
    sops.secrets.my-password.neededForFileSystems = true;
  };
  # A disk that crypttab opens with a secret.
  crypttab =
    { config, ... }:
    {
      environment.etc.crypttab.text = "data /dev/sdb1 ${
        config.sops.secrets."db/password".path
      } luks,nofail";
    };
  silent = module: {
    shows = [ "setupSecrets.snippet" ];
    module = host module;
  };
in
{
  secret-for-file-systems = {
    shows = [
      "manifest.json"
      "manifest-for-file-systems.json"
      "services"
      "sops-nix-for-file-systems.service"
      "sops-nix-for-file-systems.sh"
      "sops-nix-mount-for-file-systems.sh"
      "sops-nix.check"
      "sops-nix.service"
      "sops-nix.sh"
      "sops-nix-mount.sh"
      "sops-nix.target"
    ];
    module = disk { sops.secrets."db/password" = { }; };
  };

  # Each phase has a directory of its own.
  secrets-of-one-name-in-three-phases = {
    shows = [
      "manifest.json"
      "manifest-for-users.json"
      "manifest-for-file-systems.json"
      "sops-nix-for-users.service"
      "sops-nix-for-file-systems.service"
      "sops-nix.service"
    ];
    module = disk {
      services.userborn.enable = true;
      sops.secrets = {
        regular.name = "my-password";
        regular.key = "my-password";
        early.name = "my-password";
        early.key = "my-password";
        early.neededForUsers = true;
      };
    };
  };

  template-for-file-systems = {
    shows = [
      "manifest.json"
      "manifest-for-file-systems.json"
      "etc"
    ];
    module =
      { config, ... }:
      {
        imports = [ (disk { }) ];
        sops.templates.share = {
          neededForFileSystems = true;
          content = "password=${config.sops.placeholder.my-password}";
        };
        environment.etc.read.text = config.sops.templates.share.path;
      };
  };

  # The regular manifest installs the secret once more, for the template. Its units are restarted only once.
  secret-for-file-systems-in-a-regular-template = {
    shows = [
      "manifest.json"
      "manifest-for-file-systems.json"
    ];
    module =
      { config, ... }:
      {
        imports = [ (disk { }) ];
        systemd.services.app = { };
        sops.secrets.my-password.restartUnits = [ "app.service" ];
        sops.templates."app.conf".content = config.sops.placeholder.my-password;
      };
  };

  # A unit installs these secrets in every case, even if scripts install the others. A script has made the key for the unit.
  secret-for-file-systems-with-scripts = {
    shows = [
      "generate-age-key.snippet"
      "scripts"
      "setupSecrets.snippet"
      "sops-nix.check"
      "sops-nix-for-file-systems.service"
    ];
    module = disk {
      system.nixos.release = "25.11";
      sops.age.keyFile = "/var/lib/sops-nix/key.txt";
      sops.age.generateKey = true;
      sops.secrets."db/password" = { };
    };
  };
  secret-for-file-systems-with-a-generated-key = {
    shows = [ "sops-nix-for-file-systems.service" ];
    module = disk {
      sops.age.keyFile = "/var/lib/sops-nix/key.txt";
      sops.age.generateKey = true;
    };
  };
  secret-for-file-systems-with-a-credential = {
    shows = [
      "sops-nix-for-file-systems.service"
      "sops-nix.check"
    ];
    module = disk { sops.age.keyCredential = "sops-age-key"; };
  };
  secret-for-file-systems-in-system-manager = {
    system = "system-manager";
    shows = [
      "services"
      "sops-nix-for-file-systems.service"
    ];
    module = {
      services.openssh.enable = true;
      sops.defaultSopsFile = ../files/secrets.yaml;
      sops.secrets.my-password.neededForFileSystems = true;
    };
  };

  # Pools get their keys when they are imported.
  secret-for-a-pool = {
    shows = [ "sops-nix-for-file-systems.service" ];
    module = disk {
      systemd.services.zfs-import-tank = {
        after = [ "systemd-udev-settle.service" ];
        before = [ "zfs-import.target" ];
        unitConfig.DefaultDependencies = "no";
      };
    };
  };

  # Settings that are no contradiction: the initrd has mounted the file system of the key, and the initrd reads only files that were
  # put into it.
  says-nothing-about-what-is-there-before-file-systems = {
    shows = [ ];
    module =
      { config, ... }:
      {
        imports = [ (disk { }) ];
        sops.age.sshKeyPaths = [ "/persist/key" ];
        fileSystems."/persist".neededForBoot = true;
        fileSystems."/data" = {
          device = "/dev/mapper/data";
          options = [ "nofail" ];
        };
        environment.etc.crypttab.text = ''
          data /dev/sdb1 ${config.sops.secrets.my-password.path} luks,nofail
        '';
        boot.initrd.secrets."/run/secrets/root" = "/run/secrets/root";
        boot.initrd.luks.devices.root.keyFile = "/run/secrets/root";
        boot.initrd.luks.devices.other.keyFile = null;
      };
  };

  # With a network that starts early, nothing else orders a remote file system after the secrets.
  remote-file-system-with-a-secret = {
    shows = [ "sops-nix.service" ];
    module = host {
      sops.secrets."db/password" = { };
      fileSystems."/share" = {
        fsType = "cifs";
        options = [ "credentials=/run/secrets/db/password" ];
      };
    };
  };
  # A directory of this file system that is mounted elsewhere is local for systemd. So local-fs.target waits for both mounts.
  says-that-a-local-file-system-is-part-of-a-remote-one = {
    shows = [ "sops-nix.service" ];
    module = host {
      sops.secrets."db/password" = { };
      fileSystems."/nas" = {
        fsType = "cifs";
        options = [ "credentials=/run/secrets/db/password" ];
      };
      fileSystems."/export" = {
        device = "/nas/e";
        options = [ "bind" ];
      };
      fileSystems."/nas/local".fsType = "ext4";
      fileSystems."/union" = {
        fsType = "overlay";
        depends = [ "/nas/lower" ];
      };
      fileSystems."/pool" = {
        fsType = "overlay";
        options = [ "x-systemd.requires=/nas" ];
      };
      fileSystems."/wishful".options = [ "x-systemd.wants-mounts-for=/nas/w" ];
      fileSystems."/other-export" = {
        device = "/nas/e";
        options = [ "bind,_netdev" ];
      };
    };
  };
  remote-disk-with-a-secret = {
    shows = [ "sops-nix.service" ];
    module = host {
      sops.secrets."db/password" = { };
      environment.etc.crypttab.text = "data /dev/sdb1 /run/secrets/db/password luks,_netdev";
    };
  };
  # The key comes by such a file system itself.
  remote-file-system-with-a-secret-and-the-key-on-another = {
    shows = [ "sops-nix.service" ];
    module = host {
      sops.secrets."db/password" = { };
      sops.age.sshKeyPaths = [ "/keys/host" ];
      fileSystems."/keys".fsType = "nfs";
      fileSystems."/share" = {
        fsType = "cifs";
        options = [ "credentials=/run/secrets/db/password" ];
      };
    };
  };

  says-secret-for-file-systems-with-owner = {
    shows = [ ];
    module = disk {
      users.users.alice.group = "users";
      sops.secrets.my-password.owner = "alice";
    };
  };
  says-template-for-file-systems-with-gid = {
    shows = [ ];
    module = host {
      sops.templates.share = {
        neededForFileSystems = true;
        gid = 100;
        content = "";
      };
    };
  };
  says-secret-for-users-and-file-systems = {
    shows = [
      "manifest-for-users.json"
      "manifest-for-file-systems.json"
    ];
    module = disk { sops.secrets.my-password.neededForUsers = true; };
  };
  says-template-for-file-systems-with-a-regular-secret = {
    shows = [ ];
    module =
      { config, ... }:
      {
        imports = [ (host { }) ];
        sops.secrets."db/password" = { };
        sops.secrets.my-password.neededForUsers = true;
        sops.templates.share = {
          neededForFileSystems = true;
          content = "${config.sops.placeholder."db/password"} ${config.sops.placeholder.my-password}";
        };
      };
  };
  says-secret-for-file-systems-in-a-template-beside-one-of-its-name = {
    shows = [ ];
    module =
      { config, ... }:
      {
        imports = [ (disk { }) ];
        sops.secrets."db/password".name = "my-password";
        sops.templates."app.conf".content = config.sops.placeholder.my-password;
      };
  };
  says-key-on-a-file-system-that-needs-a-secret = {
    shows = [ ];
    module = disk {
      sops.age.sshKeyPaths = [ "/data/key" ];
      fileSystems."/data" = { };
    };
  };
  says-link-on-a-file-system-that-needs-it = {
    shows = [ ];
    module = disk {
      sops.secrets.my-password.path = "/data/key";
      fileSystems."/data" = { };
    };
  };
  says-secrets-for-file-systems-after-ordinary-units = {
    shows = [ ];
    module = disk {
      systemd.services.fetch-key = { };
      systemd.services.sops-nix-for-file-systems.after = [
        "fetch-key.service"
        "systemd-tmpfiles-setup.service"
        "systemd-cryptsetup@keys.service"
        "cryptsetup.target"
      ];
    };
  };
  # The secrets for file systems come after those for users.
  says-early-secrets-after-disks-that-need-secrets = {
    shows = [ ];
    module = disk {
      services.userborn.enable = true;
      sops.secrets."db/password".neededForUsers = true;
      systemd.services.sops-nix-for-users.after = [ "cryptsetup.target" ];
    };
  };
  says-the-unit-for-file-systems-has-another-command = {
    shows = [ ];
    module = disk { systemd.services.sops-nix-for-file-systems.serviceConfig.ExecStart = "/bin/true"; };
  };
  says-that-a-script-runs-before-secrets-for-file-systems = {
    shows = [ ];
    module = disk {
      system.activationScripts.mount = "mount -o credentials=/run/secrets-for-file-systems/my-password //nas/x /x";
    };
  };

  # crypttab reads these secrets before the unit installs them.
  says-that-crypttab-needs-a-secret-for-file-systems = silent {
    imports = [ crypttab ];
    sops.secrets."db/password" = { };
  };
  says-that-crypttab-needs-a-secret-at-its-own-path = silent {
    imports = [ crypttab ];
    sops.secrets."db/password".path = "/etc/keys/data";
  };
  says-that-crypttab-does-not-wait-for-secrets-of-users = {
    shows = [ "setupSecretsForUsers.snippet" ];
    module = host {
      imports = [ crypttab ];
      services.userborn.enable = true;
      sops.secrets."db/password".neededForUsers = true;
    };
  };
  # Some file systems are always mounted in the initrd.
  says-only-that-secrets-are-not-in-the-initrd = silent {
    sops.secrets."db/password" = { };
    fileSystems."/var".options = [ "config=/run/secrets/db/password" ];
  };
  says-that-crypttab-itself-is-no-secret-for-file-systems = {
    shows = [ ];
    module =
      { config, ... }:
      {
        imports = [ (disk { }) ];
        sops.templates.crypttab = {
          neededForFileSystems = true;
          content = "data /dev/sdb1 ${config.sops.secrets.my-password.path}";
        };
        environment.etc.crypttab.source = config.sops.templates.crypttab.path;
      };
  };
  says-that-secrets-are-not-in-the-initrd = {
    shows = [ ];
    module = disk {
      sops.secrets."db/password" = { };
      fileSystems."/persist" = {
        neededForBoot = true;
        options = [ "config=/run/secrets/db/password" ];
      };
      boot.initrd.luks.devices."root disk".keyFile = "/run/secrets-for-file-systems/my-password";
      fileSystems."/var".options = [ "config=/run/secrets-for-file-systems/my-password" ];
      fileSystems."/data".encrypted.keyFile = "/mnt-root/run/secrets-for-file-systems/my-password";
      swapDevices = [ { encrypted.keyFile = "/mnt-root/run/secrets-for-file-systems/my-password"; } ];
    };
  };
}
