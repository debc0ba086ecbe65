# A host whose key is made only in its first boot, after the secrets would be installed. In that boot sops-nix.service is not started if there is no key.
{
  config,
  lib,
  options,
  pkgs,
  utils,
  ...
}:

let
  cfg = import ../module-common/in-effect.nix { inherit config lib; };
  phases = import ./phases.nix { inherit config lib pkgs; };
  keySources = import ../module-common/key-sources.nix { inherit lib cfg; };
  definitionsOf = import ./definitions.nix { inherit config lib options; };
  inherit (import ./install-unit.nix { inherit config lib pkgs; }) earlyInBoot onlyIf;
  inherit (import ./no-key-yet.nix) name section unit;
  ordering = import ./ordering.nix {
    inherit
      config
      lib
      options
      utils
      ;
  };
  ways = import ./ways.nix {
    inherit
      config
      lib
      options
      phases
      utils
      ;
  };

  script = import ./first-boot-script.nix { inherit config lib pkgs; };

  # systemd orders sops-nix.service after each mount unit that it has for a directory on the way to a key, also if the configuration has none. Our own search
  # for such an order (ordering.nix) must not find these names, about which it knows nothing.
  upwards = path: [ path ] ++ lib.optionals (path != "/") (upwards (dirOf path));
  mountUnit = path: "${utils.escapeSystemdPath path}.mount";

  # Settings of sops-nix.service that bring no key and move nothing. With any other, the key might be there for that unit, and not for the one that looks.
  harmless = {
    fields = [
      "before"
      "description"
      "onFailure"
      "restartTriggers"
    ];
    unitConfig = [
      "Before"
      "OnFailure"
    ];
    serviceConfig = [
      "CPUWeight"
      "IOWeight"
      "MemoryMax"
      "Nice"
      "TimeoutStartSec"
    ];
  };
  settingsOf =
    service:
    let
      others = definitionsOf service;
      found = lib.concatLists (
        lib.mapAttrsToList (
          part: allowed:
          map (field: lib.optionalString (part != "fields") "${part}." + field) (
            lib.subtractLists allowed (lib.attrNames others.${part})
          )
        ) harmless
      );
    in
    map (field: "systemd.services.${service}.${field}") found
    ++ lib.optional (
      found == [ ] && lib.any (definition: definition._type or "" == "override") others.definitions
    ) "systemd.services.${service}";

  # What brings a key before the secrets are installed, or says that there is one.
  bringers =
    lib.optional (cfg.after != [ ]) "sops.after"
    ++ lib.optional (cfg.preInstall != "") "sops.preInstall"
    ++ lib.optional (cfg.hostRecipients != [ ]) "sops.hostRecipients"
    ++ lib.optional cfg.age.generateKey "sops.age.generateKey"
    ++ lib.optional cfg.age.keyFileMayComeLate "sops.age.keyFileMayComeLate"
    ++ lib.optional (cfg.age.keyCredential != null) "sops.age.keyCredential"
    ++ lib.optional (cfg.gnupg.home != null) "sops.gnupg.home"
    ++ lib.optional cfg.keyServices.enable "sops.keyServices.enable"
    ++ lib.optional (cfg.environment != { }) "sops.environment"
    ++ lib.concatMap settingsOf [
      "sops-nix"
      "sops-install-secrets"
    ];
in
{
  systemd.services = lib.mkIf cfg.noKeyAtFirstBoot {
    ${name} = {
      description = "Whether this is the first boot of a host that has no key yet";
      # It looks when the installer would look. It requires none of these units, so that it also notes a boot in which the file system of the key fails.
      after = lib.subtractLists [ unit ] (lib.unique (ordering.allAhead "sops-nix.service"));
      unitConfig = earlyInBoot // {
        After = lib.unique (map mountUnit (lib.concatMap upwards keySources.paths));
      };
      before = [ "shutdown.target" ];
      conflicts = [ "shutdown.target" ];
      # A switch, whatever it changes, ends the first boot.
      partOf = [ "sysinit-reactivation.target" ];
      serviceConfig = {
        Type = "oneshot";
        # The mark is in this directory. systemd removes it when the unit fails or stops, also before a restart that leaves /run as it is.
        RuntimeDirectory = name;
        RemainAfterExit = true;
        TimeoutStartSec = "90s";
        # Whoever sits before a new host sees what to do.
        StandardOutput = "journal+console";
        ExecStart = [ "${script}" ];
      };
    };

    sops-nix = onlyIf (phases.regular.secrets != { } && keySources.paths != [ ]) {
      wants = [ unit ];
      after = [ unit ];
      unitConfig = section;
    };
  };

  assertions = lib.optionals cfg.noKeyAtFirstBoot [
    {
      assertion = bringers == [ ];
      message = "sops.noKeyAtFirstBoot is for a host that has no key when its secrets are installed, but ${lib.concatStringsSep ", " bringers} may mean that it has one: set sops.noKeyAtFirstBoot to false.";
    }
    {
      assertion = ways.regularByUnit;
      message = "sops.noKeyAtFirstBoot works only if a unit installs the secrets, but here a script installs them: set sops.useSystemdActivation to true.";
    }
  ];
}
