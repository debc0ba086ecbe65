# Which phase a unit installs, and which one a script.
{ lib, ... }:

let
  host = module: {
    imports = [ module ];
    services.openssh.enable = true;
    sops.defaultSopsFile = ../files/secrets.yaml;
    sops.secrets."db/password" = { };
  };
  early.sops.secrets.my-password.neededForUsers = true;
  snippets = [
    "scripts"
    "setupSecrets.snippet"
    "setupSecretsForUsers.snippet"
    "users.snippet"
  ];
  waits.system.activationScripts.samba.deps = [ "setupSecrets" ];
  silent = module: {
    shows = [ "setupSecrets.snippet" ];
    module = host module;
  };
in
{
  # No script does anything.
  units-by-default = {
    shows = snippets ++ [
      "services"
      "sops-nix.target"
      "sops-nix-for-users.service"
    ];
    module = host { };
  };
  units-by-default-on-the-first-such-release = silent { system.nixos.release = "26.05"; };
  scripts-by-default-on-the-release-before = silent { system.nixos.release = "25.11"; };
  units-by-default-in-system-manager = {
    system = "system-manager";
    shows = [ "services" ];
    module = host early;
  };

  # Where a script makes the users, a script installs what they need.
  early-secrets-by-a-script-and-others-by-a-unit = {
    shows = snippets ++ [
      "services"
      "sops-nix.check"
      "sops-nix.service"
      "sops-nix-for-users.service"
      "sops-nix-show-or-install-for-users.sh"
    ];
    module = host early;
  };
  early-secrets-by-a-script-with-units-wanted = {
    shows = [ "setupSecretsForUsers.snippet" ];
    module = host {
      imports = [ early ];
      sops.useSystemdActivation = true;
    };
  };

  # Both may need it, and the script comes first.
  generated-key-by-script-and-unit = {
    shows = [
      "generate-age-key.snippet"
      "setupSecretsForUsers.snippet"
      "sops-nix.service"
      "sops-nix-generate-age-key.service"
    ];
    module = host {
      imports = [ early ];
      sops.age.keyFile = "/var/lib/sops-nix/key.txt";
      sops.age.generateKey = true;
    };
  };

  # A script that needs the secrets keeps ours, unless the configuration wants units.
  says-that-a-script-waits-for-the-secrets = {
    shows = [
      "services"
      "setupSecrets.snippet"
      "sops-nix.service"
      "sops-nix-show-or-install.sh"
    ];
    module = host {
      imports = [ waits ];
      system.activationScripts.other = lib.stringAfter [ "users" ] "true";
      system.activationScripts."my script" = lib.stringAfter [
        "users"
        "setupSecrets"
      ] "cat /run/secrets/db/password";
    };
  };
  says-that-a-script-waits-for-the-secrets-if-there-is-our-script = silent (
    { config, ... }:
    {
      system.activationScripts.samba = lib.stringAfter (lib.optional (
        config.system.activationScripts ? setupSecrets
      ) "setupSecrets") "true";
    }
  );
  says-that-a-script-runs-before-the-unit = silent {
    imports = [ waits ];
    sops.useSystemdActivation = true;
  };
  says-that-a-script-runs-before-the-unit-with-userborn = silent {
    imports = [ waits ];
    services.userborn.enable = true;
  };
  waits-only-where-scripts-install = silent (
    { config, ... }:
    {
      system.activationScripts.wifi.deps = lib.optional (
        !config.sops.useSystemdActivation
      ) "setupSecrets";
    }
  );

  says-that-scripts-are-dropped = silent { sops.useSystemdActivation = false; };
  says-nothing-about-scripts-before-that-release = silent {
    system.nixos.release = "25.11";
    sops.useSystemdActivation = false;
  };
}
