# Checks the outputs of the flake, with a stand-in for nixpkgs, and the machines of the VM tests.
{
  lib ? import ./find-lib.nix,
}:

let
  standIn = import ./stand-ins/pkgs.nix { inherit lib; };

  # A machine of a VM test has more options than the module knows.
  machine =
    module:
    let
      inherit
        (lib.evalModules {
          specialArgs.pkgs = standIn;
          modules = [
            ./stand-ins/nixos.nix
            ./stand-ins/file-systems.nix
            {
              freeformType = lib.types.lazyAttrsOf lib.types.unspecified;
              options.specialisation = lib.mkOption {
                type = lib.types.attrsOf lib.types.unspecified;
                default = { };
              };
            }
            module
          ];
        })
        config
        ;
      manifests = config: {
        regular = builtins.fromJSON (
          builtins.unsafeDiscardStringContext config.system.build.sops-nix-manifest.text
        );
        early = builtins.fromJSON (
          builtins.unsafeDiscardStringContext config.system.build.sops-nix-users-manifest.text
        );
        failed = map (a: a.message) (lib.filter (a: !a.assertion) config.assertions);
        # If scripts are to install on this machine, the configuration says so.
        warnings = lib.filter (warning: !lib.hasInfix "From NixOS 26.11 on" warning) config.warnings;
      };
    in
    {
      machine = manifests config;
      specialisations = lib.mapAttrs (
        _: specialisation:
        (machine {
          imports = [
            module
            specialisation.configuration
          ];
          specialisation = lib.mkForce { };
        }).machine
      ) config.specialisation;
    };

  pkgs = standIn // {
    testers.runNixOSTest = test: {
      inherit (test) name testScript;
      machines = lib.mapAttrs (_: machine) test.nodes;
    };
  };

  systems = [
    "x86_64-linux"
    "aarch64-linux"
    "x86_64-darwin"
    "aarch64-darwin"
  ];
  packagesOf =
    system:
    if lib.hasSuffix "-linux" system then pkgs else import ./stand-ins/pkgs.nix { inherit lib system; };

  flake = import ../../flake.nix;
  self = flake.outputs {
    inherit self;
    nixpkgs = {
      inherit lib;
      legacyPackages = lib.genAttrs systems packagesOf;
    };
  };

  nameOf =
    value:
    if lib.isDerivation value then
      value.name
    else if lib.isAttrs value && value ? machines then
      value.name
    else if lib.isAttrs value then
      lib.mapAttrs (_: nameOf) value
    else if lib.isFunction value then
      "function"
    else if builtins.isPath value then
      lib.removePrefix (toString ../..) (toString value)
    else
      value;

  vmTests = removeAttrs (import ../../vm-tests/nixos {
    inherit pkgs;
    sops-install-secrets = standIn.hello;
    sopsNix = throw "its machines need the source of sops-nix";
  }) [ "upstream-module" ];
in
{
  flake = nameOf (removeAttrs self [ "overlays" ]) // {
    overlay = nameOf (self.overlays.default pkgs pkgs);
  };
  # The machines of the VM tests, and everything that would be refused in them.
  machines = lib.mapAttrs (_: test: test.machines) vmTests;
  scripts = lib.mapAttrs (_: test: test.testScript) vmTests;
}
