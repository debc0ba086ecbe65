# Evaluates a NixOS configuration, and returns the results as files.
{
  lib,
  pkgs,
  render,
  # The options of the system to which the module belongs.
  standIns ? [
    ./stand-ins/nixos.nix
    ./stand-ins/file-systems.nix
  ],
}:

module:

let
  evaluated = lib.evalModules {
    specialArgs = { inherit pkgs; };
    modules = standIns ++ [
      ../../nixos-module
      module
    ];
  };
  inherit (evaluated) config options;
  build = config.system.build;

  # The results call scripts by their store paths. These are the texts of the scripts.
  phases = import ../../nixos-module/phases.nix { inherit config lib pkgs; };
  cfg = config.sops;
  ordering = import ../../nixos-module/ordering.nix {
    inherit config lib options;
    inherit (config._module.args) utils;
  };
  mockWarning = import ../../nixos-module/mock-warning.nix { inherit lib pkgs; };
  mount = import ../../nixos-module/mount.nix { inherit lib pkgs cfg; };
  showOrInstall = import ../../nixos-module/show-or-install.nix { inherit lib pkgs; };
  hooks = import ../../nixos-module/hooks.nix {
    inherit
      config
      lib
      pkgs
      cfg
      ;
  };
  generatedScripts =
    lib.concatMap (phase: [
      phase.installer
      (mount phase).script
      (mockWarning phase).script
      (hooks.before phase)
      (hooks.after phase)
      (hooks.installer phase)
    ]) phases.all
    ++ [ phases.regular.completer ]
    ++ map (import ../../module-common/check-program.nix { inherit pkgs; }) (
      lib.filter (template: template.check != null) (lib.attrValues cfg.templates)
    )
    ++ [
      (showOrInstall {
        phase = phases.regular;
        shown = lib.optional (!cfg.useSystemdActivation) phases.early ++ [ phases.regular ];
        ahead = ordering.ahead "sops-nix.service";
      })
      (showOrInstall {
        phase = phases.early;
        shown = [ phases.early ];
        ahead = [ ];
      })
      (import ../../module-common/generate-key.nix { inherit lib pkgs cfg; })
    ]
    ++ lib.optionals cfg.age.keyFileMayComeLate [
      (import ../../nixos-module/late-key-script.nix { inherit pkgs; })
    ]
    ++ lib.optionals cfg.noKeyAtFirstBoot [
      (import ../../nixos-module/first-boot-script.nix { inherit config lib pkgs; })
    ];
in
{
  "manifest.json" = build.sops-nix-manifest.text;
  "manifest-for-users.json" = build.sops-nix-users-manifest.text;
  "manifest-for-file-systems.json" = build.sops-nix-file-systems-manifest.text;
  "check-phase" = build.sops-nix-manifest.checkPhase;
  etc = config.environment.etc.read.text;
  packages = lib.concatMapStrings (package: "${package}\n") config.environment.systemPackages;
  # Every activation script and every service, so that a superfluous one is noticed too.
  scripts = lib.concatLines (lib.attrNames config.system.activationScripts);
  services = lib.concatLines (
    lib.mapAttrsToList (
      name: service: name + lib.optionalString (!service.enable) " (not enabled)"
    ) config.systemd.services
  );
  passwords = lib.concatStrings (
    lib.mapAttrsToList (name: user: "${name}: ${toString user.hashedPasswordFile}\n") config.users.users
  );
  "sops-nix.check" = config.system.preSwitchChecks.sops-nix or "";
  unused-secrets = lib.concatLines config.sops.unusedSecrets;
  messages = render.messages config;
}
// lib.mapAttrs' (
  name: unit:
  lib.nameValuePair "${name}.service" (render.service config.systemd.globalEnvironment unit)
) config.systemd.services
// lib.mapAttrs' (
  name: unit: lib.nameValuePair "unit-script-${name}-script.sh" "#!/bin/sh\n${unit.script}"
) config.systemd.services
// lib.mapAttrs' (
  name: unit: lib.nameValuePair "${name}.target" (render.target unit)
) config.systemd.targets
// lib.mapAttrs' (
  name: unit: lib.nameValuePair "${name}.path" (render.path unit)
) config.systemd.paths
// lib.mapAttrs' (
  name: snippet: lib.nameValuePair "${name}.snippet" (render.script snippet)
) config.system.activationScripts
// lib.listToAttrs (
  map (script: lib.nameValuePair "${script.name}.sh" script.text) generatedScripts
)
