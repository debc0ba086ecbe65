# What is refused at evaluation. Each message ends with what to set.
{
  config,
  lib,
  options,
  pkgs,
  ...
}:

let
  cfg = import ../module-common/in-effect.nix { inherit config lib; };
  splitGpg = cfg.gnupg.qubes-split-gpg;
  keySources = import ../module-common/key-sources.nix { inherit lib cfg; };
  isSet = import ../module-common/is-set.nix { inherit lib; };
  commonChecks = import ../module-common/checks.nix { inherit lib cfg; };

  # A home without any secret needs no key. But a module that it shares with other homes may configure one, so this is no error.
  isUnused = cfg.secrets == { };

  places =
    kind:
    lib.mapAttrsToList (
      name: entry: {
        inherit kind;
        option = "sops.${kind}.${lib.strings.escapeNixIdentifier name}";
        directory = cfg.defaultSymlinkPath;
        inherit (entry)
          name
          path
          install
          ;
        units = entry.restartUnits ++ entry.reloadUnits;
      }
    );

  # What needs systemd or Linux.
  onMacos = lib.optionals pkgs.stdenv.hostPlatform.isDarwin (
    import ../module-common/not-on-macos.nix {
      inherit cfg;
      places = allPlaces;
    }
    ++ [
      {
        assertion = !splitGpg.enable;
        message = "sops.gnupg.qubes-split-gpg.enable is true, but macOS is no qube of Qubes OS: set it to false on this host.";
      }
    ]
  );

  # Warnings about files that units read by EnvironmentFile=.
  environmentFileWarnings =
    kind:
    lib.concatLists (
      lib.mapAttrsToList (
        name:
        (import ../module-common/environment-files.nix { inherit lib; }).warningOf (import
          ./environment-file-units.nix
          { inherit config lib; }
        ) "sops.${kind}.${lib.strings.escapeNixIdentifier name}"
      ) cfg.${kind}
    );

  allPlaces = places "secrets" cfg.secrets ++ places "templates" cfg.templates;
in
{
  assertions =
    commonChecks.assertions {
      hasKeys = keySources.any || splitGpg.enable;
      keyOptions = "sops.age.keyFile, sops.age.keyCredential, sops.age.sshKeyPaths, sops.gnupg.home or sops.gnupg.qubes-split-gpg.enable";
      places = allPlaces;
      # The program replaces this by the run-time directory.
      pathStarts = [
        "/"
        "%r"
      ];
    }
    ++ onMacos
    ++ [
      {
        assertion =
          isUnused || !splitGpg.enable || (cfg.gnupg.home == null && cfg.gnupg.sshKeyPaths == [ ]);
        message = "With sops.gnupg.qubes-split-gpg.enable, no other OpenPGP keys can be used: set sops.gnupg.home to null and sops.gnupg.sshKeyPaths to [ ].";
      }
      {
        assertion =
          isUnused
          || !splitGpg.enable
          || !lib.elem splitGpg.domain [
            null
            ""
          ];
        message = "sops.gnupg.qubes-split-gpg.enable is true, but nothing says which qube has the keys: set sops.gnupg.qubes-split-gpg.domain.";
      }
    ];

  warnings =
    commonChecks.warnings
    ++ lib.optionals (
      pkgs.stdenv.hostPlatform.isDarwin && !isSet options.sops.keyServices.enable
    ) commonChecks.warningsOnMacos
    ++ lib.optionals (!pkgs.stdenv.hostPlatform.isDarwin) (
      environmentFileWarnings "secrets" ++ environmentFileWarnings "templates"
    );
}
