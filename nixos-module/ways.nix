# The way of each phase: a systemd unit or an activation script. Early secrets are needed before users are made. If a script makes
# the users, it runs before any unit. So in this case a script installs the early secrets, too. Everything else is installed by a
# unit, unless the configuration needs a script.
{
  config,
  lib,
  options,
  phases,
  utils,
}:

let
  cfg = import ../module-common/in-effect.nix { inherit config lib; };
  option = options.sops.useSystemdActivation;

  # Whether the option exists in this NixOS and is switched on.
  isOn = path: lib.hasAttrByPath path options && lib.attrByPath path false config;
in
rec {
  sysusers = isOn [
    "systemd"
    "sysusers"
    "enable"
  ];
  userborn = isOn [
    "services"
    "userborn"
    "enable"
  ];
  nixosInit = isOn [
    "system"
    "nixos-init"
    "enable"
  ];

  # system-manager runs no activation scripts, and nixos-init does not either.
  usersByScript = !(sysusers || userborn || nixosInit || options ? system-manager);

  # From this release on, a switch warns of activation scripts that have units restarted. From 26.11 on, it does not restart them.
  deprecatesScripts = lib.versionAtLeast (config.system.nixos.release or lib.trivial.release) "26.05";

  # For messages.
  dropped = "From NixOS 26.11 on, scripts cannot have units restarted";

  # Scripts of the configuration.
  scripts = import ./waiting-scripts.nix { inherit lib options; };

  # The parts of the configuration that read secrets before a unit can install them.
  earlyReaders = import ./early-readers.nix {
    inherit
      config
      lib
      phases
      utils
      ;
  };

  # Whether units install the secrets only by default. If something needs the secrets earlier, a script then installs them.
  isYielding =
    option.highestPrio == (lib.mkOptionDefault null).priority
    && usersByScript
    && cfg.age.keyCredential == null
    && cfg.after == [ ];

  # Whether a script has the keys at boot. Plugins may need devices or services, which only units find.
  scriptsHaveKeys =
    import ./late-keys.nix { inherit config lib utils; } == [ ] && cfg.age.plugins == [ ];

  regularByUnit =
    cfg.useSystemdActivation
    && !(
      isYielding
      && (
        scripts.waiting != [ ] || scripts.replaceOurs || (earlyReaders.regular != [ ] && scriptsHaveKeys)
      )
    );

  # Whether a script installs the secrets, although units are the default here.
  yields = cfg.useSystemdActivation && !regularByUnit;

  # If there is no early secret, a unit can do what is left: it removes early secrets of an earlier configuration.
  earlyByUnit = cfg.useSystemdActivation && (!usersByScript || phases.early.isEmpty);

  # Whether a script makes the age key. It does so wherever a script may need that key.
  keyByScript = !regularByUnit || !earlyByUnit;
}
