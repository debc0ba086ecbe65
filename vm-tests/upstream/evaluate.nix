# Evaluates the tests of sops-nix, from its unchanged file, with our module and stand-ins for NixOS: test → way → its script, and
# its nodes with their configurations.
{
  lib ? import ../../tests/nix/find-lib.nix,
  # A copy of sops-nix in which our module replaces the module of sops-nix.
  sopsNix,
}:

let
  render = import ../../tests/nix/render.nix { inherit lib; };

  # Scripts and manifests are files in the store, as in a real package set. Only one thing is impossible here: they cannot be
  # executable.
  pkgs = import ../../tests/nix/stand-ins/pkgs.nix { inherit lib; } // {
    writeShellScript = name: text: file name "#!/bin/bash\n${text}";
    writeTextFile = { name, text, ... }: file name text;
  };
  file = name: text: {
    inherit name text;
    type = "derivation";
    outPath = builtins.toFile name text;
  };

  # The default of this NixOS, and the values that may be set instead.
  ways = {
    units = { };
    scripts.sops.useSystemdActivation = false;
  };

  evaluate =
    way: node:
    lib.evalModules {
      specialArgs = { inherit pkgs; };
      modules = [
        ../../tests/nix/stand-ins/nixos.nix
        ../../tests/nix/stand-ins/file-systems.nix
        ./host.nix
        way
        node
      ];
    };

  # The names of the activation scripts, in the order in which NixOS runs them.
  inOrder =
    scripts:
    lib.textClosureList (lib.mapAttrs (name: script: {
      inherit (script) deps;
      text = name;
    }) scripts) (lib.attrNames scripts);

  configuration = config: {
    refusals = map (assertion: assertion.message) (
      lib.filter (assertion: !assertion.assertion) config.assertions
    );
    units =
      lib.mapAttrs' (
        name: unit: lib.nameValuePair "${name}.service" (render.service unit)
      ) config.systemd.services
      // lib.mapAttrs' (
        name: unit: lib.nameValuePair "${name}.target" (render.target unit)
      ) config.systemd.targets;
    snippets = map (name: {
      inherit name;
      text = render.script config.system.activationScripts.${name};
    }) (inOrder config.system.activationScripts);
    checks = config.system.preSwitchChecks;
    stage1 = config.boot.initrd.postDeviceCommands;
    files = config.standIn.files;
  };

  # By the path in the system: the configuration of the node itself, and its specialisations.
  configurations =
    evaluated:
    {
      "" = configuration evaluated.config;
    }
    // lib.mapAttrs' (
      name: specialisation:
      lib.nameValuePair "/specialisation/${name}" (
        configuration (evaluated.extendModules { modules = [ specialisation.configuration ]; }).config
      )
    ) evaluated.config.specialisation;

  replay =
    test:
    lib.mapAttrs (_: way: {
      script = test.testScript;
      nodes = lib.mapAttrs (_: node: configurations (evaluate way node)) test.nodes;
    }) ways;
in
lib.mapAttrs (_: replay) (
  import (sopsNix + "/checks/nixos-test.nix") {
    inherit lib;
    testers.runNixOSTest = test: test;
  }
)
