# nix-darwin, and home-manager on macOS.
{ lib, ... }:

let
  pkgs = import ../stand-ins/pkgs.nix {
    inherit lib;
    system = "aarch64-darwin";
  };
  with-sops-file = module: {
    imports = [ module ];
    sops.defaultSopsFile = ../files/secrets.yaml;
  };
  host = shows: module: {
    system = "darwin";
    inherit shows pkgs;
    module = with-sops-file module;
  };
  user = shows: module: {
    system = "home";
    inherit shows pkgs;
    module = {
      imports = [ (with-sops-file module) ];
      home.homeDirectory = "/Users/alice";
      xdg.configHome = "/Users/alice/.config";
    };
  };

  hostKey.sops = {
    age.keyFile = "/var/lib/sops-nix/key.txt";
    age.sshKeyPaths = [ ];
    gnupg.sshKeyPaths = [ ];
  };
  userKey.sops.age.keyFile = "/Users/alice/Library/Application Support/sops/age/keys.txt";
in
{
  darwin-defaults =
    host
      [
        "manifest.json"
        "sops-nix.sh"
        "postActivation.snippet"
        "org.nixos.sops-install-secrets.plist"
        "daemons"
        "check-phase"
      ]
      {
        sops.secrets."db/password" = { };
      };

  darwin-secrets-that-are-hashed = host [ "manifest.json" ] {
    imports = [ hostKey ];
    networking.hostName = "mac1";
    sops.secrets.shared.transform = "htpasswd:alice";
  };

  # home-manager adds to the same script. A home that fails ends it.
  darwin-beside-homes = host [ "postActivation.snippet" ] {
    imports = [ hostKey ];
    system.activationScripts.postActivation.text = "exit 1 # a home that fails";
    sops.secrets."db/password" = { };
  };

  darwin-secret-with-every-option = host [ "manifest.json" ] {
    imports = [ hostKey ];
    sops.secrets = {
      named = {
        key = "db/password";
        owner = "alice";
        group = "admin";
        mode = "0440";
        path = "/Users/alice/token";
      };
      numbered = {
        key = "db/user";
        owner = null;
        uid = 501;
        group = null;
        gid = 20;
      };
    };
  };

  darwin-templates = host [ "manifest.json" ] (
    { config, ... }:
    {
      imports = [ hostKey ];
      sops.secrets."db/password" = { };
      sops.templates = {
        of-root.content = config.sops.placeholder."db/password";
        of-a-user = {
          content = config.sops.placeholder."db/password";
          owner = "alice";
        };
      };
    }
  );

  darwin-generated-key =
    host
      [
        "sops-nix-with-key.sh"
        "sops-nix-generate-age-key.sh"
        "postActivation.snippet"
        "org.nixos.sops-install-secrets.plist"
      ]
      {
        imports = [ hostKey ];
        sops.age.generateKey = true;
        sops.secrets."db/password" = { };
      };

  darwin-plugins-and-environment = host [ "sops-nix.sh" ] {
    imports = [ hostKey ];
    sops.age.plugins = [ pkgs.age-plugin-yubikey ];
    sops.environment.LANG = "C";
    sops.secrets."db/password" = { };
  };

  # As public configurations repair the PATH of the daemon of sops-nix.
  darwin-daemon-with-settings-of-the-user = host [ "org.nixos.sops-install-secrets.plist" ] {
    imports = [ hostKey ];
    sops.secrets."db/password" = { };
    launchd.daemons.sops-install-secrets = {
      environment.PATH = "/usr/bin:/bin:/usr/sbin:/sbin";
      serviceConfig.KeepAlive = lib.mkForce true;
      serviceConfig.StandardErrorPath = lib.mkForce "/var/log/mine.log";
    };
  };

  darwin-without-secrets = host [
    "daemons"
    "postActivation.snippet"
    "sops-nix-remove-memory-disk.sh"
  ] { };
  darwin-disabled = host [ "daemons" "postActivation.snippet" ] {
    sops.enable = false;
    sops.secrets."db/password" = { };
  };

  darwin-mock = host [ "manifest.json" "sops-nix.sh" ] {
    sops.mock = true;
    sops.age.generateKey = true;
    sops.secrets."db/password".mockValue = "x";
  };

  darwin-says-what-macos-lacks = host [ ] {
    sops.age.keyCredential = "key";
    sops.keyServices.enable = true;
    sops.secrets."db/password".neededForUsers = true;
    sops.secrets."db/password".restartUnits = [ "app.service" ];
    sops.secrets.shared.reloadUnits = lib.mkIf pkgs.stdenv.hostPlatform.isLinux [ "app.service" ];
    sops.templates.t = {
      content = "x";
      path = "/etc/t";
      install = "copy";
      reloadUnits = [ "app.service" ];
    };
  };
  # Variables of key services, for which nothing is there that would ask.
  darwin-says-nobody-asks-key-services = host [ ] {
    imports = [ hostKey ];
    sops.environment.AWS_REGION = "eu-central-1";
    sops.environment.GOOGLE_CREDENTIALS = "/key.json";
    sops.secrets."db/password" = { };
  };
  darwin-with-variables-of-something-else = host [ "messages" ] {
    imports = [ hostKey ];
    sops.environment.AWS_REGION = "eu-central-1";
    sops.keyServices.enable = false;
    sops.secrets."db/password" = { };
  };
  darwin-says-that-an-owner-is-there-twice = host [ ] {
    imports = [ hostKey ];
    sops.secrets."db/password".uid = 501;
    sops.templates.t = {
      content = "x";
      owner = "alice";
      gid = 20;
    };
  };
  darwin-says-no-key-source = host [ ] {
    sops.age.sshKeyPaths = [ ];
    sops.gnupg.sshKeyPaths = [ ];
    sops.secrets."db/password" = { };
  };

  home-on-macos =
    user
      [
        "manifest.json"
        "agent.json"
        "sops-nix-user.sh"
        "activation.snippet"
        "activation-outcome.snippet"
        "services"
      ]
      {
        imports = [ userKey ];
        sops.age.plugins = [ pkgs.age-plugin-yubikey ];
        sops.secrets."db/password" = { };
        sops.secrets."db/user".path = "%r/token";
      };

  home-on-macos-with-a-generated-key = user [ "agent.json" "sops-nix-with-key.sh" ] {
    imports = [ userKey ];
    sops.age.generateKey = true;
    sops.secrets."db/password" = { };
  };

  # As public configurations repair the PATH of the agent of sops-nix.
  home-on-macos-with-settings-of-the-user = user [ "agent.json" "sops-nix-user.sh" ] {
    imports = [ userKey ];
    sops.secrets."db/password" = { };
    sops.environment.PATH = lib.mkForce "/usr/bin:/bin:/usr/sbin:/sbin";
    launchd.agents.sops-nix = {
      enable = true;
      config.EnvironmentVariables.PATH = lib.mkForce "/usr/bin:/bin:/usr/sbin:/sbin";
    };
  };

  home-on-macos-without-secrets = user [
    "agents"
    "services"
    "activation.snippet"
    "sops-nix-remove-memory-disk.sh"
  ] { };

  home-on-macos-says-nobody-asks-key-services = user [ ] {
    imports = [ userKey ];
    sops.environment.VAULT_ADDR = "https://vault.example.com";
    sops.secrets."db/password" = { };
  };
  home-on-macos-says-what-macos-lacks = user [ ] {
    sops.age.keyCredential = "key";
    sops.gnupg.qubes-split-gpg = {
      enable = true;
      domain = "vault";
    };
    sops.secrets."db/password".restartUnits = [ "app.service" ];
    sops.templates.t = {
      content = "x";
      reloadUnits = [ "bar" ];
    };
  };
}
