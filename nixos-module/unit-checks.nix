# Errors and warnings about settings of our units, under their old and new names, and about other units that are ordered before them.
{
  config,
  lib,
  options,
}:

{
  phases,
  # ways.nix
  ways,
  # ordering.nix, and former-units.nix.
  ordering,
  formerUnit,
  # The units under their old names.
  former,
  formerEarly,
  # Whether the activation script installs anything.
  scriptInstalls,
  # What sops-nix.service runs.
  installCommand,
  # The units that the early unit must start before.
  beforeUsers,
  # Units that read secrets, but do not wait for the secrets. Each has the local file systems that are the reason.
  withoutWaiting,
}:

let
  inherit (ways) earlyByUnit regularByUnit;

  # What makes a unit install the early secrets.
  earlyUnitOption =
    if phases.early.isEmpty || !ways.usersByScript then
      "sops.useSystemdActivation"
    else
      "services.userborn.enable";

  waitedFor = import ./waited-for.nix { inherit config lib ordering; };

  # A unit of sops.after that nobody knows has a warning of its own, in surroundings.nix.
  ahead = lib.filter (unit: !(lib.elem unit config.sops.after && isUnknown unit)) (
    ordering.mayWaitFor [ "sysinit.target" ] "sops-nix.service"
  );
  isUnknown = unit: !ordering.isKnown unit && !isKnown unit;
  inherit (import ./known-units.nix { inherit config lib; }) isKnown;
  # A host whose secrets wait for the network although key services are asked by another unit has a warning of its own, in online-unit.nix.
  isForKeyServices =
    config.sops.keyServices.enable && lib.subtractLists ordering.network ahead == [ ];
  isOrderedEarly = lib.elem "sysinit.target" config.systemd.services.sops-nix.before;

  # If a script installs, these settings of a unit have no effect at boot.
  unheard = import ./installer-settings.nix { inherit config lib options; } [
    "sops-nix"
    former.name
  ];

  fileSystems = import ./file-systems.nix { inherit config lib; };

  # Why a file system waits for one of `units`: its own options, or the order of another unit.
  becauseOf =
    units: fs:
    let
      other = ordering.orderedBefore units fs;
    in
    if other == null then
      "Because of ${fileSystems.optionOf fs}"
    else
      "Because ${other} starts before ${ordering.mountOf fs}";

  networkMountWarning =
    reader: fs:
    let
      option = fileSystems.optionOf fs;
    in
    "${becauseOf ordering.network fs}, a local file system waits for the network. But secrets are installed after all local file systems, and ${reader} needs a secret. "
    + "Waiting for it would be a cycle, so ${reader} may start without the secret: add _netdev to ${option}.";

  secretsMountWarning =
    fs:
    let
      option = fileSystems.optionOf fs;
    in
    "${becauseOf fileSystems.ours fs}, a local file system waits for sops-nix.service, which itself waits for all local file systems. systemd breaks such a cycle by leaving a unit out of the boot: "
    + (
      if ordering.orderedBefore fileSystems.ours fs == null then
        "add nofail to ${option}, or remove the setting that makes the file system wait, and set neededForFileSystems to true for the secrets that this file system needs."
      else
        "remove that order."
    );

  # Settings of the unit for early secrets. They have no effect if a script installs these secrets.
  earlySettings = lib.filter (unit: unit.exists) (
    map (name: formerUnit name "sops-nix-for-users") [
      "sops-nix-for-users"
      formerEarly.name
    ]
  );
in
{
  assertions =
    former.assertions
    ++ formerEarly.assertions
    ++ lib.optionals (!earlyByUnit) (
      map (unit: {
        assertion = phases.early.isEmpty || unit.ownCommands == [ ];
        message =
          "systemd.services.${unit.name} sets ${lib.concatStringsSep ", " unit.ownCommands}, but a script installs the secrets with neededForUsers, and does not run these commands: "
          + "make a script of them in system.activationScripts, and add its name to system.activationScripts.setupSecretsForUsers.deps.";
      }) earlySettings
    )
    ++ lib.optionals earlyByUnit (
      waitedFor.assertions phases.early {
        before = beforeUsers;
        without = "users would have no passwords";
        afterwards = "the users are created";
        formerName = formerEarly.name;
      }
    );

  warnings =
    former.warnings
    ++ lib.optional (waitedFor.isReplaced "sops-nix" installCommand) (
      "systemd.services.sops-nix has another ExecStart, so it does not install the secrets: "
      + "give a unit of your own another name, and order it after sops-nix.service. Commands to run before or after the installation belong in ExecStartPre or ExecStartPost."
    )
    ++ lib.optionals earlyByUnit formerEarly.warnings
    ++ lib.optionals (!earlyByUnit) (
      map (
        unit:
        "systemd.services.${unit.name} is not used, because a script installs the secrets with neededForUsers: remove it, or set ${earlyUnitOption} to true."
      ) earlySettings
    )
    ++ lib.optional (!regularByUnit && scriptInstalls && unheard != [ ]) (
      "systemd.services.sops-nix sets ${lib.concatStringsSep ", " unheard}, but a script installs the secrets, and does not have these settings: "
      + "set sops.environment or sops.age.plugins, add a script of your own to system.activationScripts.setupSecrets.deps, or set sops.useSystemdActivation to true."
    )
    ++ lib.optionals regularByUnit (
      lib.concatLists (lib.mapAttrsToList (reader: map (networkMountWarning reader)) withoutWaiting)
    )
    ++ map secretsMountWarning (ordering.localMountsWaitingFor fileSystems.ours)
    # Somebody who knows that these units are early can order ours before sysinit.target. Then there is no warning.
    ++ lib.optional (regularByUnit && ahead != [ ] && !isOrderedEarly && !isForKeyServices) (
      "sops-nix.service waits for ${lib.concatStringsSep ", " ahead}, and so starts after sysinit.target. Then ordinary units do not wait for the secrets: "
      + "add after = [ \"sops-nix.service\" ] to each unit that needs a secret. "
      + "If sops-nix.service can start before sysinit.target nevertheless, set systemd.services.sops-nix.before = [ \"sysinit.target\" ] instead."
    );
}
