# The age keys of users: secrets of the system that open the users' own sops files, by home-manager.
{
  config,
  lib,
  options,
  pkgs,
  utils,
  ...
}:

let
  cfg = config.sops;
  inherit (lib) types;
  hasHomeManager = options ? home-manager;

  # The unit that home-manager makes for each user, which installs the user's secrets.
  homeUnit = user: "home-manager-${utils.escapeSystemdPath user}";
  afterSecrets.after = [ "sops-nix.service" ];

  # Starts that unit again when the key changes. It is not active after its work, so that each switch starts it, and only units that are active are
  # restarted or reloaded for a secret.
  keyUnit = user: "sops-nix-key-of-${utils.escapeSystemdPath user}";
  startsAgain = user: {
    description = "Installation of the secrets of ${user} when their key changes";
    wantedBy = [ "multi-user.target" ];
    serviceConfig = {
      Type = "oneshot";
      RemainAfterExit = true;
      ExecStart = "${pkgs.coreutils}/bin/true";
      ExecReload = "${pkgs.systemd}/bin/systemctl --no-block restart ${homeUnit user}.service";
    };
  };
in
{
  options.sops.userKeys = lib.mkOption {
    type = types.attrsOf types.str;
    default = { };
    example = {
      alice = "alice/age-key";
    };
    description = ''
      Users whose age key the system delivers: for each user, the name of a secret in `sops.secrets` that holds an age identity. The secret is declared and
      belongs to the user. With home-manager as a NixOS module, it is the `sops.age.keyFile` of that user, whose secrets are installed after it, and again
      when it changes. Otherwise set `sops.age.keyFile` in the user's home-manager configuration to its path.
    '';
  };

  config = {
    sops.secrets = lib.mkMerge (
      lib.mapAttrsToList (user: secret: {
        ${secret} = {
          owner = lib.mkDefault user;
          reloadUnits = lib.optional hasHomeManager "${keyUnit user}.service";
        };
      }) cfg.userKeys
    );

    systemd.services =
      lib.optionalAttrs hasHomeManager (
        lib.concatMapAttrs (user: _: {
          ${homeUnit user} = afterSecrets;
          ${keyUnit user} = startsAgain user;
        }) cfg.userKeys
      )
      # A user who logs in early, with secrets that come late.
      // lib.optionalAttrs (cfg.userKeys != { }) { "user@" = afterSecrets; };
  }
  // lib.optionalAttrs hasHomeManager {
    home-manager.users = lib.mapAttrs (_: secret: {
      sops.age.keyFile = lib.mkDefault cfg.secrets.${secret}.path;
    }) cfg.userKeys;
  };
}
