# Age keys that the system delivers to users.
{ lib, ... }:

let
  inherit (lib) types;
  host = module: {
    imports = [ module ];
    services.userborn.enable = true;
    sops.defaultSopsFile = ../files/secrets.yaml;
    sops.age.keyFile = "/var/lib/sops-nix/key.txt";
    sops.secrets."alice/age-key".key = "db/password";
    users.users.alice.group = "users";
    users.users.grafana.group = "users";
  };
  # As home-manager has it as a NixOS module: with a unit for each user.
  homeManager =
    { config, ... }:
    {
      options.home-manager.users = lib.mkOption {
        type = types.attrsOf (
          types.submodule {
            options.sops.age.keyFile = lib.mkOption { type = types.nullOr types.str; };
          }
        );
      };
      config.systemd.services = lib.mapAttrs' (

        user: _:
        lib.nameValuePair "home-manager-${user}" {
          wantedBy = [ "multi-user.target" ];
          serviceConfig = {
            Type = "oneshot";
            ExecStart = "/bin/true";
          };
        }
      ) config.home-manager.users;
      config.environment.etc.read.text = builtins.toJSON config.home-manager.users;
    };
in
{
  # The second key is declared with settings of its own.
  key-of-a-user = {
    shows = [
      "manifest.json"
      "etc"
      "home-manager-alice.service"
      "user@.service"
      "sops-nix.service"
      "sops-nix-key-of-alice.service"
      "sops-nix.sh"
      "sops-nix-mount.sh"
    ];
    module = host {
      imports = [ homeManager ];
      sops.userKeys = {
        alice = "alice/age-key";
        grafana = "key-of-grafana";
      };
      sops.secrets.key-of-grafana = {
        key = "db/password";
        path = "/var/lib/grafana/key.txt";
        mode = "0600";
      };
    };
  };
  key-of-a-user-without-home-manager = {
    shows = [
      "manifest.json"
      "services"
      "user@.service"
    ];
    module = host { sops.userKeys.alice = "alice/age-key"; };
  };
}
