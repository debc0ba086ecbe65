# Installation by activation scripts. Other scripts may wait for ours by their names. So our scripts always exist, and are empty if units install.
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
  ways = import ./ways.nix {
    inherit
      config
      lib
      options
      phases
      utils
      ;
  };
  record = import ./boot-record.nix;
  hooks = import ./hooks.nix {
    inherit
      config
      lib
      pkgs
      cfg
      ;
  };

  # If the last secret was removed from the configuration, it must be removed from the host. A host that never had any is left alone.
  onlyWhereInstalled =
    phase: text:
    if phase.isEmpty then
      ''
        if [ -e ${phase.mountPoint} ] || [ -e ${phase.ledger} ]; then
        ${text}fi
      ''
    else
      text;

  # At boot, systemd does not run yet. So the exit status and the messages are written to files, and sops-nix.service shows them later, where people
  # look for them. The console shows them at once, because they say what is waited for. It reads them from the file, so that neither a console that stands
  # still nor what commands of the configuration leave running can hold the installation.
  install =
    phase:
    onlyWhereInstalled phase ''
      if [ -e /run/current-system ]; then
        SOPS_NIX_UNITS="''${systemConfig-}/etc/systemd/system" SOPS_NIX_SYSTEMCTL=/run/current-system/sw/bin/systemctl ${hooks.installer phase}
      else
        echo "setting up secrets${lib.optionalString (phase.suffix != "") " for users"}..."
        mkdir -p -m 0711 ${record.directory}
        install -m 0600 /dev/null ${record.log phase}
        sopsStatus=0
        ${hooks.installer phase} > ${record.log phase} 2>&1 &
        tail -n +1 -s 0.1 --pid="$!" -f ${record.log phase} || true
        wait "$!" || sopsStatus=$?
        echo "$sopsStatus" > ${record.status phase}
        (exit "$sopsStatus")
      fi
    '';

  # The scripts always exist, whatever the configuration is: other scripts ask whether they exist, to decide what to wait for.
  script = isEmpty: emptyDeps: deps: text: {
    deps = if isEmpty then emptyDeps else deps;
    text = lib.optionalString (!isEmpty) text;
    supportsDryActivation = !isEmpty;
  };

  makesKey = cfg.age.generateKey && cfg.age.keyFile != null;
  keyGeneration = lib.optional makesKey "generate-age-key";

  # If something else creates the users, NixOS requires that its script for them stays empty.
  usersByScript =
    !(options.systemd ? sysusers && config.systemd.sysusers.enable)
    && !(options.services ? userborn && config.services.userborn.enable);
in
{
  system.activationScripts = {
    generate-age-key = lib.mkIf makesKey (
      lib.stringAfter [ "specialfs" ] (
        lib.optionalString ways.keyByScript "${
          import ../module-common/generate-key.nix { inherit lib pkgs cfg; }
        }\n"
      )
    );

    setupSecretsForUsers = script ways.earlyByUnit [ ] ([ "specialfs" ] ++ keyGeneration) (
      install phases.early
    );

    users = lib.mkIf usersByScript { deps = [ "setupSecretsForUsers" ]; };

    setupSecrets = script ways.regularByUnit (lib.optional usersByScript "users") (
      [
        "specialfs"
        "users"
        "groups"
      ]
      ++ keyGeneration
    ) (install phases.regular);
  };
}
