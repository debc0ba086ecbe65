# The unit that installs the secrets with `neededForFileSystems`. No script ever installs these secrets, even where scripts install
# all others: only units can wait for disks.
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
  phase = phases.fileSystems;
  ways = import ./ways.nix {
    inherit
      config
      lib
      options
      phases
      utils
      ;
  };
  inherit (import ./install-unit.nix { inherit config lib pkgs; })
    again
    inOrder
    installUnit
    onlyIf
    waitForKeys
    ;
  keySources = import ../module-common/key-sources.nix { inherit lib cfg; };
  ordering = import ./ordering.nix {
    inherit
      config
      lib
      options
      utils
      ;
  };
  waitedFor = import ./waited-for.nix { inherit config lib ordering; };

  # Nothing starts these targets unless a unit before them wants them.
  targets = [
    "cryptsetup-pre.target"
    "local-fs-pre.target"
    "remote-fs-pre.target"
  ];
  # For each ZFS pool, NixOS has a unit that loads the keys of the pool. That unit waits for none of the targets above.
  pools = map (name: "${name}.service") (
    lib.filter (lib.hasPrefix "zfs-import-") (lib.attrNames config.systemd.services)
  );
  before = targets ++ pools ++ [ "sysinit.target" ];
in
{
  # This unit exists even if there is no secret for it. The other units do so too, because secrets may depend on which units exist.
  systemd.services.sops-nix-for-file-systems = lib.mkMerge [
    (installUnit phase { command = phase.installer; })
    (again phase)
    {
      description = lib.mkDefault "Secrets of sops files that file systems need to be mounted";
      wantedBy = [ "sysinit.target" ];
    }
    (onlyIf (!phase.isEmpty) waitForKeys)
    (onlyIf (!phase.isEmpty) inOrder)
    (onlyIf (!phase.isEmpty) {
      after = [
        "systemd-remount-fs.service"
      ]
      # The two units run one after the other: both may start the same gpg-agent, ask for the same PIN, or run commands that take the key away.
      ++ lib.optional (ways.earlyByUnit && !phases.early.isEmpty) "sops-nix-for-users.service"
      ++ lib.optional keySources.mayNeedTpm "tpm2.target";
      wants = targets;
      inherit before;
    })
  ];

  assertions = waitedFor.assertions phase {
    before = lib.optionals (!phase.isEmpty) before;
    without = "file systems would have no keys";
    afterwards = "file systems are mounted";
  };
}
