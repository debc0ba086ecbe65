# The configurations in the documents, as cases: page → block → case. So a page that names an option which is not there, or a
# configuration that is refused, is found. pages.awk has written the blocks to files below `pages`, a directory for each page.
{
  lib,
  pkgs,
  pages,
}:

let
  inherit (lib) types;

  filesOf = page: lib.attrNames (builtins.readDir (pages + "/${page}"));

  # The names in a configuration that no option has.
  unknown =
    path: options: config:
    lib.concatLists (
      lib.mapAttrsToList (
        name: value:
        let
          here = path ++ [ name ];
        in
        if !options ? ${name} then
          [ (lib.showOption here) ]
        else if lib.isOption options.${name} then
          [ ]
        else
          unknown here options.${name} value
      ) config
    );

  # The packages of a Mac.
  pkgsOfMac = import ./stand-ins/pkgs.nix {
    inherit lib;
    system = "aarch64-darwin";
  };

  # The flake of this project.
  ours = (import ../../flake.nix).outputs {
    self = ours;
    nixpkgs = {
      inherit lib;
      legacyPackages = lib.genAttrs [ "x86_64-linux" "aarch64-linux" ] (_: pkgs);
    };
  };

  free = types.lazyAttrsOf types.anything;
  freeSubmodules = lib.mkOption { type = types.attrsOf (types.submodule { freeformType = free; }); };

  # A page uses more options of NixOS than the stand-ins have. Options of ours have to exist.
  surroundings =
    page:
    { config, options, ... }:
    {
      freeformType = free;
      config = {
        _module.args.sops-nix = ours;
        sops.defaultSopsFile = lib.mkDefault (pages + "/${page}/secrets.yaml");
        assertions = map (option: {
          assertion = false;
          message = "there is no option ${option}";
        }) (unknown [ "sops" ] options.sops config.sops);
      };
    };

  # Units that come with what the pages use.
  units = [
    "container@web"
    "microvm@web"
    "wireguard-wg0"
  ];
  earlyUnits = [
    "early-reader"
    "unlock-keys"
  ];

  host = page: module: {
    imports = [
      (surroundings page)
      module
    ];
    options.users.users = freeSubmodules;
    options.systemd.services = freeSubmodules;
    config = {
      services.openssh.enable = lib.mkDefault true;
      services.postgresql.package = lib.mkDefault pkgs.hello;
      users.users = lib.genAttrs [ "alice" "microvm" "nginx" ] (name: {
        group = lib.mkDefault name;
      });
      systemd.services =
        lib.genAttrs units (_: { })
        // lib.genAttrs earlyUnits (_: {
          unitConfig.DefaultDependencies = false;
        });
    };
  };

  home = page: module: {
    imports = [
      (surroundings page)
      module
    ];
    sops.age.keyFile = lib.mkDefault "/home/alice/.config/sops/age/keys.txt";
  };

  # The first host of a flake, as a case.
  hostOf =
    page: flake:
    let
      inherit (import flake) outputs;
      inputs = lib.mapAttrs (_: _: { }) (lib.functionArgs outputs) // {
        nixpkgs.lib = lib // {
          nixosSystem = { modules, ... }: { imports = modules; };
        };
        home-manager.darwinModules.home-manager = { };
        nix-darwin.lib.darwinSystem = { modules, ... }: { imports = modules; };
        sops-nix = ours;
      };
      made = outputs inputs;
      first = hosts: lib.head (lib.attrValues hosts);
    in
    if made ? darwinConfigurations then
      {
        system = "darwin";
        pkgs = pkgsOfMac;
        module.imports = [
          (surroundings page)
          (first made.darwinConfigurations)
        ];
      }
    else
      { module = host page (first made.nixosConfigurations); };

  case =
    page: file:
    let
      path = pages + "/${page}/${file}";
    in
    if file == "flake.nix" then
      hostOf page path
      // lib.optionalAttrs (page == "tutorial") {
        # A machine boots with these (vm-tests/boot).
        shows = [
          "manifest.json"
          "sops-nix.service"
          "sops-nix.target"
          "sops-nix.sh"
          "sops-nix-mount.sh"
          "hello.service"
          "unit-script-hello-script.sh"
        ];
      }
    else if lib.hasSuffix "-home.nix" file then
      {
        system = "home";
        module = home page path;
      }
    else
      { module = host page path; };

  # A page with a flake is about what that makes: its other files with names are parts of it.
  isCase = file: file == "flake.nix" || lib.match "[0-9].*" file != null;
in
lib.listToAttrs (
  lib.concatMap (
    page:
    let
      files = lib.filter (lib.hasSuffix ".nix") (filesOf page);
    in
    map (file: lib.nameValuePair "page-${page}-${lib.removeSuffix ".nix" file}" (case page file)) (
      lib.filter isCase files
    )
  ) (lib.attrNames (builtins.readDir pages))
)
