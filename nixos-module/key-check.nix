# What looks, before anything is installed, whether this host has a key. If it has none, and never had one, the units that install are not started: this is
# no failure, but whatever needs these units does not start either.
{
  config,
  lib,
  options,
  pkgs,
  utils,
}:

let
  cfg = import ../module-common/in-effect.nix { inherit config lib; };
  record = import ./boot-record.nix;

  ordering = import ./ordering.nix {
    inherit
      config
      lib
      options
      utils
      ;
  };

  # Settings of the unit, which may be what brings the key.
  settingsOf =
    phase:
    import ./installer-settings.nix { inherit config lib options; } [
      "sops-nix${phase.suffix}"
      "sops-install-secrets${phase.suffix}"
    ];
in
rec {
  unit = "sops-nix-key-check.service";

  # Whether the unit of a phase waits for the answer.
  asks = phase: !phase.isEmpty && !cfg.mock && cfg.preInstall == "" && cfg.after == [ ];

  # Whether it may be no failure if this host has no key. If commands, or units that are ordered before ours, bring the key, its absence is their failure.
  mayLackKey =
    phase:
    asks phase && settingsOf phase == [ ] && ordering.bringers "sops-nix${phase.suffix}.service" == [ ];

  # The same for a script at boot. A key on a file system that is mounted later is not there yet.
  mayLackKeyAtBoot =
    phase:
    mayLackKey phase
    &&
      import ./late-keys.nix {
        inherit lib utils;
        config = config // {
          sops = cfg;
        };
      } == [ ];

  # At boot, a script has looked already. What it said goes to the journal here. Anything else is looked at now.
  lookAt = phase: ''
    if [ -e ${record.status phase} ] && [ -e ${phase.noKeyMark} ]; then
      cat ${record.log phase}
      rm -f ${record.status phase} ${record.log phase}
    else
      ${lib.optionalString (mayLackKey phase) "SOPS_NIX_MAY_LACK_KEY=1 "}${phase.keyCheck} || true
    fi
  '';

  # What the unit runs.
  script =
    phases:
    pkgs.writeShellScript "sops-nix-key-check" (
      ''
        export PATH='${lib.makeBinPath [ pkgs.coreutils ]}'"''${PATH:+:$PATH}"
      ''
      + lib.concatMapStrings lookAt (lib.filter asks phases)
    );

  # The fields of a unit that installs a phase.
  fields = phase: {
    wants = [ unit ];
    after = [ unit ];
    unitConfig.AssertPathExists = "!${phase.noKeyMark}";
  };
}
