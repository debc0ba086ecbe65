# What a configuration has before and after each installation: units, and commands.
{ lib, ... }:

let
  host = module: {
    imports = [ module ];
    sops.defaultSopsFile = ../files/secrets.yaml;
    sops.age.keyFile = "/var/lib/sops-nix/key.txt";
    sops.secrets."db/password" = { };
    sops.secrets.my-password.neededForUsers = true;
  };
  byUnits.services.userborn.enable = true;
  byScripts.system.nixos.release = "25.11";
  early.unitConfig.DefaultDependencies = false;
  disk.sops.secrets.disk = {
    key = "db/password";
    neededForFileSystems = true;
  };

  # A key that lies on a file system of its own, which is there only while secrets are installed. The commands also find out whether they are in the
  # namespaces of the system.
  vault.sops = {
    preInstall = ''
      echo "before $SOPS_NIX_PHASE" >> /hooks
      for namespace in mnt net; do
        [ "$(readlink /proc/self/ns/$namespace)" = "$(readlink /proc/1/ns/$namespace)" ] || echo "not in $namespace of the system" >> /hooks
      done
      mkdir -p /var/lib/sops-nix
      mount -t tmpfs vault /var/lib/sops-nix
      cat /test/age.txt > /var/lib/sops-nix/key.txt
      stat -c "key of mode %a" /var/lib/sops-nix/key.txt >> /hooks
      sleep 0.3
    '';
    postInstall = ''
      umount /var/lib/sops-nix
      echo "after $SOPS_NIX_PHASE" >> /hooks
    '';
  };
  # A key that is there only while secrets are installed, made by commands that never end.
  hanging.sops = {
    preInstall = ''
      echo "before $SOPS_NIX_PHASE" >> /hooks
      mkdir -p /var/lib/sops-nix
      cat /test/age.txt > /var/lib/sops-nix/key.txt
      stat -c "key of mode %a" /var/lib/sops-nix/key.txt >> /hooks
      systemd-creds --version > /dev/null || echo "no PATH" >> /hooks
      [ -z "''${NOTIFY_SOCKET-}" ] || echo "status: $(systemctl show -P StatusText sops-nix)" >> /hooks
      sleep infinity
    '';
    postInstall = ''
      rm /var/lib/sops-nix/key.txt
      echo "after $SOPS_NIX_PHASE" >> /hooks
    '';
  };

  # A disk that is opened at boot, and mounted.
  encrypted.fileSystems."/data".device = "/dev/mapper/data";
in
{
  boot-screen = {
    shows = [
      "manifest.json"
      "sops-nix.service"
      "sops-nix.sh"
      "sops-nix-mount.sh"
    ];
    module = host {
      imports = [ byUnits ];
      boot.plymouth.enable = true;
      sops.secrets.my-password.neededForUsers = lib.mkForce false;
    };
  };
  boot-screen-during-commands = {
    shows = [ "sops-nix-pre-install.sh" ];
    module = host {
      imports = [ byUnits ];
      boot.plymouth.enable = true;
      sops.preInstall = "sleep 3";
    };
  };
  commands-around-units = {
    shows = [
      "manifest.json"
      "manifest-for-users.json"
      "manifest-for-file-systems.json"
      "sops-nix.service"
      "sops-nix-for-users.service"
      "sops-nix-for-file-systems.service"
      "sops-nix.target"
      "sops-nix.sh"
      "sops-nix-for-users.sh"
      "sops-nix-for-file-systems.sh"
      "sops-nix-mount.sh"
      "sops-nix-mount-for-users.sh"
      "sops-nix-mount-for-file-systems.sh"
      "sops-nix-pre-install.sh"
      "sops-nix-pre-install-for-users.sh"
      "sops-nix-pre-install-for-file-systems.sh"
      "sops-nix-post-install.sh"
      "sops-nix-post-install-for-users.sh"
      "sops-nix-post-install-for-file-systems.sh"
      "sops-nix.check"
      "make-key.service"
    ];
    module = host {
      imports = [
        byUnits
        disk
        vault
      ];
      sops.after = [ "make-key.service" ];
      sops.before = [ "systemd-networkd.service" ];
      systemd.services.make-key = early // {
        serviceConfig.Type = "oneshot";
        serviceConfig.RemainAfterExit = true;
        serviceConfig.ExecStart = "/bin/sh -c 'mkdir /vault'";
      };
    };
  };
  commands-around-scripts = {
    shows = [
      "manifest.json"
      "manifest-for-users.json"
      "sops-nix.service"
      "sops-nix.sh"
      "sops-nix-for-users.sh"
      "sops-nix-mount.sh"
      "sops-nix-show-or-install.sh"
      "sops-nix-install.sh"
      "sops-nix-install-for-users.sh"
      "sops-nix-pre-install.sh"
      "sops-nix-pre-install-for-users.sh"
      "sops-nix-post-install.sh"
      "sops-nix-post-install-for-users.sh"
      "setupSecrets.snippet"
      "setupSecretsForUsers.snippet"
    ];
    module = host {
      imports = [
        byScripts
        vault
      ];
    };
  };
  # Other commands of the unit, one of them under the name in sops-nix, which ends the confinement of the unit. One fails after the installation.
  commands-that-hang-around-units = {
    shows = [
      "manifest.json"
      "sops-nix.service"
      "sops-nix.sh"
      "sops-nix-mount.sh"
      "sops-nix-pre-install.sh"
      "sops-nix-post-install.sh"
    ];
    module = host {
      imports = [
        byUnits
        hanging
      ];
      sops.secrets.my-password.neededForUsers = lib.mkForce false;
      # As in a module that is imported before ours.
      systemd.services.sops-nix.serviceConfig.ExecStartPost = lib.mkOrder 900 [ "/bin/false" ];
      systemd.services.sops-install-secrets.serviceConfig.ExecStartPre = [ "/bin/true" ];
    };
  };
  commands-that-hang-around-scripts = {
    shows = [
      "manifest.json"
      "manifest-for-users.json"
      "sops-nix.service"
      "sops-nix.sh"
      "sops-nix-for-users.sh"
      "sops-nix-mount.sh"
      "sops-nix-show-or-install.sh"
      "sops-nix-install.sh"
      "sops-nix-install-for-users.sh"
      "sops-nix-pre-install.sh"
      "sops-nix-pre-install-for-users.sh"
      "sops-nix-post-install.sh"
      "sops-nix-post-install-for-users.sh"
      "setupSecrets.snippet"
      "setupSecretsForUsers.snippet"
    ];
    module = host {
      imports = [
        byScripts
        hanging
      ];
    };
  };
  commands-after-scripts = {
    shows = [ "sops-nix-install.sh" ];
    module = host {
      imports = [ byScripts ];
      sops.postInstall = "rm -f /run/age.txt";
    };
  };
  # Each phase waits, and so does the unit that makes the key. Scripts would not wait, so units install, although this release has scripts.
  units-around-all-phases = {
    shows = [
      "scripts"
      "services"
      "sops-nix.service"
      "sops-nix-for-file-systems.service"
      "sops-nix-generate-age-key.service"
    ];
    module = host {
      imports = [
        byScripts
        disk
      ];
      sops.secrets.my-password.neededForUsers = lib.mkForce false;
      sops.age.generateKey = true;
      sops.after = [ "unlock.service" ];
      sops.before = [ "early.service" ];
      systemd.services.unlock = early;
      systemd.services.early = early;
    };
  };
  # Nothing is installed, so nothing comes before or after it.
  surroundings-of-nothing = {
    shows = [ "sops-nix.service" ];
    module = host {
      imports = [
        byUnits
        vault
      ];
      sops.enable = false;
      sops.after = [ "unlock.service" ];
      sops.before = [ "local-fs.target" ];
    };
  };

  says-units-before-scripts = {
    shows = [ ];
    module = host {
      sops.useSystemdActivation = false;
      sops.after = [ "unlock.service" ];
      systemd.services.unlock = early;
    };
  };
  # The second secret is one for users, which no unit can install here.
  says-units-before-a-script-for-users = {
    shows = [ ];
    module = host {
      system.nixos.release = "26.05";
      sops.after = [ "unlock.service" ];
      systemd.services.unlock = early;
    };
  };
  # An ordinary unit starts after the users are created and file systems are mounted.
  says-units-that-come-too-late = {
    shows = [ ];
    module = host {
      imports = [
        byUnits
        disk
      ];
      sops.after = [ "pcscd.service" ];
      systemd.services.pcscd = { };
    };
  };
  # The secrets wait for these units, or for units that wait for them.
  says-units-that-come-too-early = {
    shows = [ ];
    module = host {
      imports = [
        byUnits
        disk
      ];
      sops.after = [ "unlock.service" ];
      sops.before = [
        "local-fs.target"
        "unlock.service"
        "first.service"
      ];
      systemd.services.unlock = early;
      systemd.services.first = early // {
        before = [ "unlock.service" ];
      };
    };
  };
  # Each of them waits for a unit that it is to come before.
  says-units-that-wait-for-the-secrets = {
    shows = [ ];
    module = host {
      imports = [
        byUnits
        disk
      ];
      sops.after = [
        "late.service"
        "late-for-users.service"
        "late-for-file-systems.service"
        "late-for-all.service"
      ];
      systemd.services.late = early // {
        after = [ "sops-install-secrets.service" ];
      };
      systemd.services.late-for-users = early // {
        after = [ "sops-nix-for-users.service" ];
      };
      systemd.services.late-for-file-systems = early // {
        after = [ "sops-nix-for-file-systems.service" ];
      };
      systemd.services.late-for-all = early // {
        after = [ "sops-nix.target" ];
      };
    };
  };
  says-our-own-units-around-the-secrets = {
    shows = [ ];
    module = host {
      imports = [ byUnits ];
      sops.age.generateKey = true;
      sops.after = [
        "sops-nix.service"
        "sops-nix.target"
        "sops-nix-generate-age-key.service"
      ];
      sops.before = [
        "sops-nix.service"
        "sops-nix-for-users.service"
        "sops-nix-generate-age-key.service"
      ];
    };
  };
  says-disks-after-the-secrets = {
    shows = [ ];
    module = host {
      imports = [
        byUnits
        encrypted
      ];
      fileSystems."/" = { };
      sops.before = [
        "systemd-cryptsetup@data.service"
        "cryptsetup-pre.target"
        "systemd-remount-fs.service"
        "systemd-udevd.service"
      ];
    };
  };
  # Secrets for file systems are there before any disk is opened.
  says-nothing-about-disks-after-secrets-for-them = {
    shows = [ ];
    module = host {
      imports = [
        byUnits
        disk
        encrypted
      ];
      sops.secrets."db/password".neededForFileSystems = true;
      sops.secrets.my-password.neededForUsers = lib.mkForce false;
      sops.secrets.my-password.neededForFileSystems = true;
      sops.before = [
        "systemd-cryptsetup@data.service"
        "cryptsetup-pre.target"
      ];
    };
  };
  says-misspelled-units-around-the-secrets = {
    shows = [ "sops-nix.service" ];
    module = host {
      imports = [ byUnits ];
      sops.secrets.my-password.neededForUsers = lib.mkForce false;
      sops.after = [
        "unlok.service"
        "unlock@data.service"
        "data.mount"
      ];
      sops.before = [
        "erly.service"
        "systemd-networkd.service"
        "network-pre.target"
      ];
      systemd.services."unlock@" = early;
      fileSystems."/data" = { };
    };
  };
  says-a-key-that-is-made-before-the-commands = {
    shows = [ ];
    module = host {
      imports = [ byUnits ];
      sops.age.generateKey = true;
      sops.preInstall = "mount LABEL=keys /var/lib/sops-nix";
    };
  };
}
