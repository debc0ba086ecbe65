# What people build around the module in their configurations.
{ lib, pkgs }:

let
  key.sops.age.keyFile = "/var/lib/sops-nix/key.txt";
  host = module: {
    imports = [
      module
      key
    ];
    sops.defaultSopsFile = ../files/secrets.yaml;
    sops.secrets."db/password" = { };
  };
  byUnits.services.userborn.enable = true;
  home = module: {
    imports = [
      module
      { sops.age.keyFile = "/home/alice/.config/sops/age/keys.txt"; }
    ];
    sops.defaultSopsFile = ../files/secrets.yaml;
    sops.secrets."db/password" = { };
  };
  shows = [ "sops-nix.service" ];
in
{
  own-wrapper-under-our-name = {
    inherit shows;
    module = host {
      imports = [ byUnits ];
      systemd.services.sops-nix = {
        description = "Our secrets";
        serviceConfig.Type = "oneshot";
        serviceConfig.ExecStart = "/bin/true";
      };
    };
  };
  # These functions read the unit that they belong to, and where it stands in the boot.
  settings-that-are-functions = {
    inherit shows;
    module = host {
      imports = [ byUnits ];
      systemd.services.sops-nix =
        { config, ... }:
        {
          unitConfig.After = lib.optional (lib.elem "local-fs.target" config.after) "systemd-udevd.service";
          environment = lib.mkIf (lib.elem "sysinit.target" config.before) { PLACE = "early"; };
        };
      systemd.services.sops-install-secrets =
        { config, name, ... }:
        {
          serviceConfig = lib.mkIf config.enable { SyslogIdentifier = name; };
        };
    };
  };
  settings-that-are-functions-with-scripts = {
    shows = [ ];
    module = host {
      system.nixos.release = "25.11";
      systemd.services.sops-nix =
        { config, ... }:
        {
          environment = lib.mkIf (config.unitConfig ? Before) { PLACE = toString config.path; };
        };
    };
  };
  # Configurations can read the unit under either name.
  units-that-are-read-by-their-former-names = {
    shows = [ "app.service" ];
    module =
      { config, ... }:
      {
        imports = [
          (host { })
          byUnits
        ];
        sops.age.plugins = [ pkgs.age-plugin-tpm ];
        systemd.services.app = {
          after = with config.systemd.services; [
            sops-install-secrets.name
            sops-install-secrets-for-users.name
            sops-nix.name
          ];
          environment.PLUGINS = toString config.systemd.services.sops-install-secrets.path;
        };
      };
  };
  # The script is emptied. The unit still exists, and installs when it is started.
  script-that-was-emptied = {
    shows = shows ++ [ "setupSecrets.snippet" ];
    module = host { system.activationScripts.setupSecrets.text = lib.mkForce ""; };
  };
  script-that-was-replaced-by-nothing = {
    inherit shows;
    module = host { system.activationScripts.setupSecrets = lib.mkForce ""; };
  };

  # system-manager has neither `fileSystems` nor aliases. Settings under the old name apply to our unit.
  system-manager = {
    system = "system-manager";
    shows = shows ++ [
      "services"
      "sops-nix-for-users.service"
    ];
    module = host {
      imports = [ byUnits ];
      sops.age.sshKeyPaths = [ "/etc/ssh/ssh_host_ed25519_key" ];
      systemd.services.sops-install-secrets = {
        before = [ "sysinit-reactivation.target" ];
        requiredBy = [ "sysinit-reactivation.target" ];
      };
    };
  };

  # A module that many hosts share, on one without any secret.
  says-nothing-about-keys-to-a-host-without-secrets = {
    shows = [ ];
    module = {
      services.openssh.enable = true;
      system.nixos-init.enable = true;
      services.userborn.enable = true;
      sops.useSystemdActivation = false;
      sops.gnupg.home = "/root/.gnupg";
      sops.age.generateKey = true;
      sops.age.keyCredential = "sops-age-key";
    };
  };
  without-secrets-no-key-is-made-that-has-no-place = {
    shows = [ "scripts" ];
    module.sops.age.generateKey = true;
  };
  says-nothing-about-keys-to-a-template-without-secrets = {
    shows = [ ];
    module.sops.templates.motd.content = "hello";
  };
  says-nothing-about-keys-to-a-home-without-secrets = {
    system = "home";
    shows = [ ];
    module.sops = {
      templates.motd.content = "hello";
      age.generateKey = true;
      gnupg.home = "/home/alice/.gnupg";
      gnupg.sshKeyPaths = [ "/home/alice/.ssh/id_rsa" ];
      gnupg.qubes-split-gpg.enable = true;
    };
  };

  # podman's quadlet makes units from files.
  says-what-quadlet-makes = {
    shows = [ ];
    module = host {
      environment.etc."containers/systemd/web.container".text = "";
      environment.etc."containers/systemd/apps.pod".text = "";
      sops.secrets."db/password" = {
        restartUnits = [
          "web.service"
          "apps-pod.service"
          "mail.container"
          "lan.network"
        ];
        reloadUnits = [ "other.service" ];
      };
    };
  };

  all-variables-of-clouds = {
    shows = [ "messages" ];
    module = host {
      sops.environment = lib.genAttrs [
        "AWS_PROFILE"
        "AZURE_TENANT_ID"
        "CLOUDSDK_CONFIG"
        "GOOGLE_CREDENTIALS"
        "HUAWEICLOUD_SDK_AK"
        "SOPS_AZURE_KEYVAULT_URLS"
        "SOPS_GCP_KMS_CLIENT_TYPE"
        "SOPS_GCP_KMS_IDS"
        "SOPS_GOOGLE_CREDENTIALS"
        "SOPS_HUAWEICLOUD_KMS_IDS"
        "SOPS_KMS_ARN"
        "SOPS_VAULT_URIS"
        "VAULT_ADDR"
      ] (_: "x");
    };
  };

  says-relative-path = {
    shows = [ ];
    module = host {
      sops.secrets."db/password".path = "wifi/password";
      sops.templates.conf = {
        content = "x";
        path = "conf";
      };
    };
  };
  says-that-the-run-time-directory-is-of-home-manager = {
    shows = [ ];
    module = host {
      sops.secrets."db/password".path = "%r/token";
      sops.templates.conf = {
        content = "x";
        path = "%rx/conf";
      };
    };
  };
  home-says-relative-path = {
    system = "home";
    shows = [ ];
    module = home { sops.secrets."db/password".path = ".config/token"; };
  };
  says-two-secrets-of-one-name = {
    shows = [ ];
    module = host {
      sops.secrets.wifi = {
        name = "db/password";
        path = "/etc/wifi";
      };
      sops.templates.a = {
        name = "conf";
        content = "x";
      };
      sops.templates.b = {
        name = "conf";
        content = "x";
      };
    };
  };

  says-early-secrets-of-one-name = {
    shows = [ ];
    module = host {
      imports = [ byUnits ];
      sops.secrets.my-password.neededForUsers = true;
      sops.secrets.wifi = {
        name = "my-password";
        neededForUsers = true;
      };
    };
  };
  # The template needs a copy of the early secret beside the regular one.
  says-early-secret-in-a-template-beside-one-of-its-name = {
    shows = [ ];
    module =
      { config, ... }:
      {
        imports = [ (host { }) ];
        sops.secrets.my-password = {
          name = "db/password";
          neededForUsers = true;
        };
        sops.templates.conf.content = config.sops.placeholder.my-password;
      };
  };
  # Even with another `path`, such a secret is the same file as a rendered template.
  says-secret-that-is-a-templates-file = {
    shows = [ ];
    module = host {
      sops.secrets.wifi = {
        name = "rendered/conf";
        path = "/etc/wifi";
      };
      sops.templates.conf.content = "x";
    };
  };
  home-says-two-secrets-of-one-name = {
    system = "home";
    shows = [ ];
    module = home {
      sops.secrets.wifi.name = "db/password";
      sops.secrets.port = {
        name = "rendered/conf";
        path = "/home/alice/port";
      };
      sops.templates.conf.content = "x";
    };
  };

  # Most people write the run-time directory like this. As long as it does not exist, nothing can be installed.
  home-run-time-directory-written-out = {
    system = "home";
    shows = [
      "manifest.json"
      "activation.snippet"
    ];
    module = home {
      sops.defaultSecretsMountPoint = "/run/user/1000/secrets.d";
      sops.defaultSymlinkPath = "/run/user/1000/secrets";
    };
  };
  home-settings-of-the-unit = {
    system = "home";
    inherit shows;
    module =
      { config, ... }:
      {
        imports = [ (home { }) ];
        sops.environment.FOO = "bar";
        systemd.user.services.sops-nix = {
          Unit.X-SwitchMethod = "restart";
          Unit.Description = "My secrets";
          Service.ExecStartPre = "/bin/sleep 10";
          Service.RemainAfterExit = false;
        };
        systemd.user.services.app.Service.Environment =
          config.systemd.user.services.sops-nix.Service.Environment;
      };
  };
}
