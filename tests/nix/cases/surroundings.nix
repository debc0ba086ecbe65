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
      cp /test/age.txt /var/lib/sops-nix/key.txt
    '';
    postInstall = ''
      umount /var/lib/sops-nix
      echo "after $SOPS_NIX_PHASE" >> /hooks
    '';
  };
in
{
  commands-around-units = {
    shows = [
      "manifest.json"
      "manifest-for-users.json"
      "sops-nix.service"
      "sops-nix-for-users.service"
      "sops-nix.target"
      "sops-nix.sh"
      "sops-nix-for-users.sh"
      "sops-nix-mount.sh"
      "sops-nix-mount-for-users.sh"
      "sops-nix-pre-install.sh"
      "sops-nix-pre-install-for-users.sh"
      "sops-nix-post-install.sh"
      "sops-nix-post-install-for-users.sh"
      "sops-nix.check"
      "make-key.service"
    ];
    module = host {
      imports = [
        byUnits
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
}
