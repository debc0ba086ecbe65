# A script that runs before a switch, as one of the checks that NixOS makes there. Besides activation scripts, only these checks also run in a dry
# activation. This check never stops a switch.
#
# The script does two things that units cannot do. In a dry activation, it prints what a switch would change. And it notes which units have failed: the
# installer later starts those that failed because their secret was missing, but by then the switch has made systemd forget all failures.
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
  record = import ./boot-record.nix;
  hooks = import ./hooks.nix {
    inherit
      config
      lib
      pkgs
      cfg
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

  # Activation scripts take part in a dry activation themselves.
  byUnit =
    lib.optional (ways.earlyByUnit && !phases.early.isEmpty) phases.early
    ++ lib.optional (!phases.fileSystems.isEmpty) phases.fileSystems
    ++ lib.optional (ways.regularByUnit && !phases.regular.isEmpty) phases.regular;

  # Settings that the installer of a phase has only in its unit, and that it may need here too.
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
      hindrances =
        hooks.notTold phase
        ++ lib.optional (
          settings != [ ]
        ) "only sops-nix${phase.suffix}.service has its ${lib.concatStringsSep ", " settings}";
    in
    if hindrances == [ ] then
      ''PATH="/run/current-system/sw/bin:$PATH" NIXOS_ACTION=dry-activate SOPS_RESTART_UNITS_VIA_SYSTEMCTL=1 ${phase.installer} || true''
    else
      notTold (lib.head hindrances);

  # Only units get credentials.
  tellChanges =
    if cfg.age.keyCredential != null then
      [ (notTold "only units get the credential ${cfg.age.keyCredential}") ]
    else
      lib.unique (map tellChangesOf byUnit);
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
          mkdir -p -m 0711 ${record.directory} || true
          { echo "$PPID" && /run/current-system/sw/bin/systemctl list-units --state=failed --plain --no-legend --full |
            while read -r unit _; do echo "$unit"; done; } > ${record.failedUnits} || true
          ;;
      esac
    '';
  };
}
