# The unit that asks key services. It starts when the network is there, and runs the installer once more on the manifest of the regular phase: what was
# deferred until then is installed, and its units are told, as in any second run. No other unit of ours has the network for this. The same unit installs what
# a key opens that comes late (late-key.nix).
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
  phase = phases.regular;
  keySources = import ../module-common/key-sources.nix { inherit lib cfg; };
  unitPath = import ./unit-path.nix { inherit lib; };
  inherit (import ./install-unit.nix { inherit config lib pkgs; }) installUnit onlyIf;
  online = import ./online.nix;
  deferral = import ./deferral.nix { inherit lib pkgs cfg; };
  neededBy = import ./needed-by.nix { inherit config lib pkgs; };
  ordering = import ./ordering.nix {
    inherit
      config
      lib
      options
      utils
      ;
  };
  tooEarly = import ./too-early.nix { inherit lib ordering; };
  reactivation = "sysinit-reactivation.target";
in
{
  # Whether the unit exists does not depend on the secrets, because the secrets may depend on which units exist.
  systemd.services = lib.mkIf (cfg.keyServices.enable || cfg.age.keyFileMayComeLate) {
    ${online.name} = lib.mkMerge [
      (installUnit phase {
        inherit (online) name;
        command = phase.completer;
        keyNeeds = keySources // lib.optionalAttrs cfg.keyServices.enable keySources.ofServices;
      })
      (onlyIf (!phase.isEmpty) neededBy.online)
      (onlyIf (!phase.isEmpty) {
        # On a switch, it is waited for, so that what the switch starts finds all secrets.
        wantedBy = lib.optional cfg.keyServices.enable "multi-user.target" ++ [ reactivation ];
        before = [ reactivation ];
        restartTriggers = [ phase.manifest ];
        # Whoever restarts the unit before it has everything tried. A file that is not in the store may have changed by each switch.
        partOf = [ "sops-nix.service" ] ++ lib.optional phase.readsOutsideStore reactivation;
      })
      {
        after = [ "sops-nix.service" ];
        # It is an ordinary unit.
        unitConfig.DefaultDependencies = true;
      }
      (lib.mkIf cfg.keyServices.enable {
        description = lib.mkDefault "Secrets of sops files that key services open";
        wants = [ "network-online.target" ];
        # The names before the last one are known to wait for each other, but no configuration says so.
        after = ordering.network ++ [
          "NetworkManager-wait-online.service"
          "NetworkManager.service"
          "dhcpcd.service"
          "network-pre.target"
        ];
        unitConfig.RequiresMountsFor = map unitPath.quoted keySources.servicePaths;
        # The network may come later than that target says, and so may a service.
        serviceConfig = {
          Restart = lib.mkDefault "on-failure";
          RestartSec = lib.mkDefault "1min";
          # Each time twice as long, as systemd does from 254 on.
          RestartSteps = lib.mkDefault 4;
          RestartMaxDelaySec = lib.mkDefault "15min";
          # A manifest that cannot be used stays so, and so does a fault that no key could mend.
          RestartPreventExitStatus = lib.mkDefault "2 4";
        };
      })
    ];
  };

  warnings =
    lib.optional (cfg.keyServices.enable && lib.any (unit: lib.elem unit ordering.network) cfg.after)
      "sops.after has a unit of the network, for which all secrets wait, but key services are asked by sops-nix-online.service: remove it from sops.after, and name the units that need these secrets in sops.secrets.<name>.neededBy.";

  assertions =
    map (
      { option, entry }:
      {
        assertion = !deferral.isTooEarly entry;
        message = "${option} is needed before the network is there, but only a key service could open its sops file: encrypt the file to an age key of this host, too.";
      }
    ) phases.entries
    ++ lib.concatMap (
      { option, entry }:
      map (
        unit:
        let
          early = tooEarly unit online.unit;
        in
        {
          assertion = !early.isTooEarly;
          message = "${option}.neededBy: ${early.text}, so it cannot wait for key services: let an age key of this host open the sops file, name it in sops.hostRecipients, and remove ${unit} from neededBy.";
        }
      ) (map neededBy.fullName entry.neededBy)
    ) neededBy.late;
}
