# `sops.mock`: dummies in the place of all secrets, without a key and without a sops file.
{ lib, ... }:

let
  # As the module of a real host has it, whose keys and files are not here.
  declared = {
    sops.defaultSopsFile = ./no-such-file.yaml;
    sops.hostRecipients = [ ./no-such-key.pub ];
    sops.secrets."db/password" = { };
    sops.secrets.settings.key = "";
    sops.templates."app.conf".content = "x";
  };
  phases = {
    sops.secrets.my-password = {
      neededForUsers = true;
      mockValue = "$6$mock$";
    };
    sops.secrets.disk.neededForFileSystems = true;
  };
  keys = {
    services.openssh.enable = true;
    sops.age = {
      keyFile = "/var/lib/sops-nix/key.txt";
      keyCredential = "sops-age-key";
      generateKey = true;
    };
    sops.environment.VAULT_TOKEN = "'\"$(cat /no-such-token)\"'";
    sops.preInstall = "false";
    sops.postInstall = "false";
    sops.after = [ "fetch-key.service" ];
  };
in
{
  mock = {
    shows = [
      "manifest.json"
      "manifest-for-users.json"
      "manifest-for-file-systems.json"
      "check-phase"
      "sops-nix.service"
      "sops-nix-for-users.service"
      "sops-nix.sh"
      "sops-nix-mock-warning.sh"
      "services"
    ];
    module = {
      imports = [
        declared
        phases
        keys
      ];
      services.userborn.enable = true;
      sops.mock = true;
    };
  };

  # Its units are booted.
  mock-that-boots = {
    shows = [
      "manifest.json"
      "manifest-for-users.json"
      "sops-nix.service"
      "sops-nix-for-users.service"
      "sops-nix.sh"
      "sops-nix-for-users.sh"
      "sops-nix-mount.sh"
      "sops-nix-mount-for-users.sh"
      "sops-nix-mock-warning.sh"
      "sops-nix-mock-warning-for-users.sh"
    ];
    module = {
      services.userborn.enable = true;
      sops = {
        mock = true;
        defaultSopsFile = ../files/secrets.yaml;
        secrets."db/password" = { };
        secrets.my-password.neededForUsers = true;
      };
    };
  };

  mock-with-scripts = {
    shows = [ "setupSecrets.snippet" ];
    module = {
      imports = [ declared ];
      system.nixos.release = "25.11";
      sops.mock = true;
    };
  };

  mock-with-scripts-that-boots = {
    shows = [
      "manifest.json"
      "manifest-for-users.json"
      "setupSecrets.snippet"
      "setupSecretsForUsers.snippet"
      "sops-nix.service"
      "sops-nix.target"
      "sops-nix.sh"
      "sops-nix-for-users.sh"
      "sops-nix-show-or-install.sh"
      "sops-nix-mount.sh"
      "sops-nix-mock-warning.sh"
    ];
    module = {
      system.nixos.release = "25.11";
      sops = {
        mock = true;
        defaultSopsFile = ../files/secrets.yaml;
        secrets."db/password" = { };
        secrets.my-password.neededForUsers = true;
      };
    };
  };

  # The value of an option that only counts in a mock is not in the manifest of a host.
  mock-value-on-a-host = {
    shows = [ "manifest.json" ];
    module = {
      sops.age.keyFile = "/var/lib/sops-nix/key.txt";
      sops.defaultSopsFile = ../files/secrets.yaml;
      sops.secrets."db/password".mockValue = "x";
    };
  };

  mock-in-a-nixos-test = {
    shows = [ "manifest.json" ];
    module = {
      imports = [ declared ];
      options.testing.backdoor = lib.mkOption { default = true; };
    };
  };

  no-mock-in-a-nixos-test-that-has-a-key = {
    shows = [ "manifest.json" ];
    module = {
      options.testing.backdoor = lib.mkOption { default = true; };
      config.sops = {
        mock = false;
        age.keyFile = "/test-keys/age.txt";
        defaultSopsFile = ../files/secrets.yaml;
        secrets."db/password" = { };
      };
    };
  };

  # The configuration of a virtual machine is that of the host, together with these settings. The options are made as in NixOS, from the whole
  # configuration, so that one that depends on itself would be seen.
  mock-in-virtual-machines = {
    shows = [
      "manifest.json"
      "etc"
    ];
    module =
      { config, extendModules, ... }:
      let
        machine = extendModules { modules = [ { virtualisation.isMachine = true; } ]; };
        variant =
          evaluated:
          lib.mkOption {
            inherit (evaluated) type;
            default = { };
            visible = "shallow";
          };
      in
      {
        options.virtualisation = {
          isMachine = lib.mkOption { default = false; };
          vmVariant = variant machine;
          vmVariantWithBootLoader = variant (machine.extendModules { modules = [ { } ]; });
        };
        config = {
          sops.age.keyFile = "/var/lib/sops-nix/key.txt";
          sops.defaultSopsFile = ../files/secrets.yaml;
          sops.secrets."db/password".mockValue = "dummy";
          environment.etc.read.text =
            lib.concatMapStrings
              (
                name:
                let
                  evaluated = config.virtualisation.${name};
                  manifest = lib.fromJSON evaluated.system.build.sops-nix-manifest.text;
                in
                "${name}: ${
                  lib.boolToString (evaluated.virtualisation.isMachine && evaluated.sops.mock)
                }, ${(lib.head manifest.secrets).mockValue}\n"
              )
              [
                "vmVariant"
                "vmVariantWithBootLoader"
              ];
        };
      };
  };

  # Options below `testing` are not of NixOS tests alone.
  no-mock-beside-other-options-for-testing = {
    shows = [ "manifest.json" ];
    module = {
      options.testing.splitStoreImage = lib.mkOption { default = true; };
      config.sops.age.keyFile = "/var/lib/sops-nix/key.txt";
      config.sops.defaultSopsFile = ../files/secrets.yaml;
      config.sops.secrets."db/password" = { };
    };
  };

  home-mock = {
    system = "home";
    shows = [
      "manifest.json"
      "sops-nix.service"
      "sops-nix-user.sh"
    ];
    module = {
      imports = [ declared ];
      sops.mock = true;
      sops.age.keyFile = "/home/alice/.config/sops/age/keys.txt";
      sops.age.generateKey = true;
    };
  };

  # home-manager as a NixOS module knows the configuration of the system.
  home-mock-of-its-host = {
    system = "home";
    osConfig.sops.mock = true;
    shows = [ "manifest.json" ];
    module = declared;
  };
}
