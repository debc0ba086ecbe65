# What runs before a switch. NixOS has a place for checks there, which is the only one that a dry activation has, too, beside activation scripts. This check
# never stops a switch.
#
# It does what units cannot: it tells in a dry activation what a switch would change, and notes which units have failed. The switch makes systemd forget
# that before the units that install run, and they are to start units that have failed because their secret was missing.
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
  phases = import ./phases.nix { inherit config lib pkgs; };
  record = import ./boot-record.nix;
  ways = import ./ways.nix {
    inherit
      config
      lib
      options
      phases
      utils
      ;
  };

  # Scripts take part in a dry activation themselves.
  byUnit =
    lib.optional (ways.earlyByUnit && !phases.early.isEmpty) phases.early
    ++ lib.optional (!phases.fileSystems.isEmpty) phases.fileSystems
    ++ lib.optional (ways.regularByUnit && !phases.regular.isEmpty) phases.regular;

  # What the installer of a phase has in its unit alone, and may need.
  settingsOf =
    phase:
    lib.subtractLists [ "postStart" "ExecStartPost" ] (
      import ./installer-settings.nix { inherit config lib options; } [
        "sops-nix${phase.suffix}"
        "sops-install-secrets${phase.suffix}"
      ]
    );
  notTold = why: ''echo "what would change in the secrets is not told: ${why}"'';
  tellChangesOf =
    phase:
    let
      settings = settingsOf phase;
    in
    if settings == [ ] then
      ''PATH="/run/current-system/sw/bin:$PATH" NIXOS_ACTION=dry-activate SOPS_RESTART_UNITS_VIA_SYSTEMCTL=1 ${phase.installer} || true''
    else
      notTold "only sops-nix${phase.suffix}.service has its ${lib.concatStringsSep ", " settings}";

  # Only units get credentials.
  tellChanges =
    if cfg.age.keyCredential != null then
      [ (notTold "only units get the credential ${cfg.age.keyCredential}") ]
    else
      map tellChangesOf byUnit;
in
{
  # NixOS checks this script with shellcheck, and ends at the first command that fails.
  system = lib.optionalAttrs (options.system ? preSwitchChecks) {
    preSwitchChecks.sops-nix = lib.mkIf (byUnit != [ ]) ''
      case "''${2-}" in
        dry-activate)
          ${lib.concatStringsSep "\n    " tellChanges}
          ;;
        switch | test)
          mkdir -p -m 0700 ${record.directory} || true
          { echo "$PPID" && /run/current-system/sw/bin/systemctl list-units --state=failed --plain --no-legend --full |
            while read -r unit _; do echo "$unit"; done; } > ${record.failedUnits} || true
          ;;
      esac
    '';
  };
}
