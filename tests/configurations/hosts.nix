# Evaluates the Macs of a public flake, unchanged, with nix-darwin and home-manager themselves: once with the modules of sops-nix, and
# once with ours. Packages and all other inputs of the flake are stand-ins, which have everything and do nothing.
{
  # The directory of the flake.
  root,
  # Checkouts.
  sopsNix,
  nixDarwin,
  homeManager,
  # See `open`.
  ignore ? false,
  # Options of inputs that are not here, as lists of names, that somebody reads and nobody sets. They are taken to be false.
  unset ? [ ],
  lib ? import ../nix/find-lib.nix,
}:

let
  flake = import (root + "/flake.nix");
  normal = import ../nix/normal-form.nix { inherit lib; };
  anyInput = import ./stand-ins/input.nix;

  # Options of inputs that are not here may be set. Nothing can read them, or, if `ignore` is false, they are read as they were set. Only
  # the first is possible where names of options depend on other options, as in home-manager.
  unread._module.check = lib.mkForce false;
  open = if ignore then unread else { freeformType = lib.types.lazyAttrsOf lib.types.unspecified; };
  # What both modules get.
  around = {
    package = lib.mkForce anyInput;
    # The files of the flake are not in the store here.
    validateSopsFiles = lib.mkForce false;
  };
  modules =
    host: home:
    let
      hostModule = {
        imports = [
          host
          open
        ]
        ++ map (path: { options = lib.setAttrByPath path (lib.mkOption { default = false; }); }) unset;
        sops = around // {
          validationPackage = lib.mkForce anyInput;
        };
        home-manager.sharedModules = [ unread ];
      };
      homeModule = {
        imports = [ home ];
        sops = around;
      };
      both = module: {
        default = module;
        sops = module;
      };
    in
    {
      darwinModules = both hostModule;
      homeModules = both homeModule;
      homeManagerModules = both homeModule;
      homeManagerModule = homeModule;
    };

  nixpkgs = {
    inherit lib;
    inherit (anyInput) legacyPackages;
    outPath = toString ./stand-ins/nixpkgs;
  };
  nix-darwin = (import (nixDarwin + "/flake.nix")).outputs {
    self = nix-darwin // {
      outPath = nixDarwin;
    };
    inherit nixpkgs;
  };
  home-manager = (import (homeManager + "/flake.nix")).outputs {
    self = home-manager;
    inherit nixpkgs;
  };

  # Frameworks that make the outputs of a flake, as far as its Macs need them.
  flake-parts = anyInput // {
    lib.mkFlake =
      { inputs, ... }:
      module:
      (lib.evalModules {
        specialArgs = {
          inherit inputs lib;
          inherit (inputs) self;
          flake-parts-lib = anyInput;
          withSystem = anyInput;
        };
        modules = [
          module
          {
            freeformType = lib.types.lazyAttrsOf lib.types.unspecified;
            options.flake = lib.mkOption { type = lib.types.lazyAttrsOf lib.types.raw; };
          }
        ];
      }).config.flake;
  };
  adios-flake.lib.mkFlake = arguments: arguments.flake;
  flake-utils.lib = {
    eachDefaultSystem = _: { };
    eachSystem = _: _: { };
  };
  lite-config.flakeModule =
    { config, inputs, ... }:
    {
      options.lite-config = lib.mkOption {
        type = lib.types.submodule { freeformType = lib.types.lazyAttrsOf lib.types.unspecified; };
      };
      config.flake.darwinConfigurations = lib.mapAttrs (
        name:
        { system }:
        nix-darwin.lib.darwinSystem {
          specialArgs = {
            inherit inputs;
            hostPlatform = lib.systems.elaborate system;
          };
          modules = config.lite-config.systemModules ++ [
            (config.lite-config.hostModuleDir + "/${name}")
            {
              networking.hostName = name;
              nixpkgs.hostPlatform = system;
            }
          ];
        }
      ) (lib.filterAttrs (_: host: lib.hasSuffix "darwin" host.system) config.lite-config.hosts);
    };
  clan-core = anyInput // {
    lib.clan =
      { self, inventory, ... }:
      {
        config = anyInput // {
          darwinConfigurations = lib.mapAttrs (
            name: _:
            nix-darwin.lib.darwinSystem {
              specialArgs = { inherit self; };
              modules = [ (self.outPath + "/machines/${name}/configuration.nix") ];
            }
          ) (lib.filterAttrs (_: machine: machine.machineClass or "" == "darwin") inventory.machines);
        };
      };
  };

  # The Macs of the flake.
  hosts =
    sops:
    let
      known = {
        inherit
          self
          adios-flake
          clan-core
          flake-parts
          flake-utils
          lite-config
          ;
        nix-darwin = nix-darwin // {
          outPath = nixDarwin;
        };
        home-manager = home-manager // {
          outPath = homeManager;
          flakeModules = anyInput.flakeModules;
        };
        sops-nix = anyInput // sops;
      };
      input = name: known.${name} or (if lib.hasPrefix "nixpkgs" name then nixpkgs else anyInput);
      inputs = lib.mapAttrs (name: _: input name) (lib.functionArgs flake.outputs // flake.inputs) // {
        inherit self;
      };
      outputs = flake.outputs inputs;
      self =
        anyInput
        // outputs
        // {
          inherit inputs outputs;
          outPath = toString root;
        };
    in
    outputs.darwinConfigurations;

  entries = lib.mapAttrs (
    _: entry:
    lib.getAttrs (lib.filter (name: entry ? ${name}) [
      "format"
      "group"
      "key"
      "mode"
      "owner"
      "path"
    ]) entry
  );
  # What launchd is told, but for the program.
  job =
    settings:
    removeAttrs (lib.filterAttrs (_: value: value != null) settings) [
      "Program"
      "ProgramArguments"
    ];
  refused = config: map (a: a.message) (lib.filter (a: !a.assertion) config.assertions);
  common = config: {
    secrets = entries config.sops.secrets;
    templates = entries config.sops.templates;
    refused = refused config;
  };

  # What is compared of a host and of a home. Each part is evaluated by itself. If nothing is to be installed, sops-nix has no manifest
  # and no job.
  ifUsed =
    config: value: if config.sops.secrets == { } && config.sops.templates == { } then null else value;
  host =
    config:
    common config
    // {
      manifest = ifUsed config (normal config.system.build.sops-nix-manifest.text);
      job = ifUsed config (job config.launchd.daemons.sops-install-secrets.serviceConfig);
      otherJobs = lib.mapAttrs (_: daemon: job daemon.serviceConfig) (
        removeAttrs config.launchd.daemons [ "sops-install-secrets" ]
      );
    };
  home =
    config:
    common config
    // {
      # The stand-ins for paths of scripts and files are their texts. The manifest is the last argument of the program.
      manifest = ifUsed config (
        normal (
          lib.head (
            lib.splitString "\n" (
              lib.last (lib.splitString "-ignore-passwd /" config.launchd.agents.sops-nix.config.Program)
            )
          )
        )
      );
      job = ifUsed config (job config.launchd.agents.sops-nix.config);
      otherJobs = lib.mapAttrs (_: agent: job agent.config) (
        removeAttrs config.launchd.agents [ "sops-nix" ]
      );
    };
  parts =
    { config, ... }:
    lib.mapAttrs (_: home) (lib.filterAttrs (_: home: home ? sops) (config.home-manager.users or { }))
    // {
      host = host config;
    };
  # Host → "host" or the name of a user → part.
  of = sops: lib.mapAttrs (_: parts) (hosts sops);
in
{
  theirs = of (
    modules (sopsNix + "/modules/nix-darwin") (sopsNix + "/modules/home-manager/sops.nix")
  );
  ours = of (modules ../../darwin-module ../../home-module);
}
