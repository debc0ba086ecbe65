# Evaluates a module file of a public configuration, unchanged, by the modules of sops-nix and by ours. The result is { theirs, ours
# }. Each side says what would be installed (manifests and paths of the secrets), and what is refused. The rest of the configuration
# is missing, except for the parts below.
{
  file,
  # The directory of the configuration to which the file belongs.
  root,
  # "nixos", "darwin", "home", or "home-on-macos"
  system,
  # A checkout of sops-nix.
  sopsNix,
  lib ? import ../nix/find-lib.nix,
}:

let
  isMacos = lib.elem system [
    "darwin"
    "home-on-macos"
  ];
  pkgs = import ../nix/stand-ins/pkgs.nix {
    inherit lib;
    system = if isMacos then "aarch64-darwin" else "x86_64-linux";
  };
  normal = import ../nix/normal-form.nix { inherit lib; };
  homeLib = lib.extend (
    _: _: {
      hm.dag = rec {
        entryBetween = before: after: data: { inherit before after data; };
        entryAfter = entryBetween [ ];
      };
    }
  );

  # Users and groups that modules of NixOS make. Secrets are given to users and groups of these names.
  serviceUsers = [
    "root"
    "acme"
    "alice"
    "caddy"
    "forgejo"
    "gitea"
    "grafana"
    "hass"
    "influxdb2"
    "keycloak"
    "matrix-synapse"
    "mosquitto"
    "mysql"
    "nextcloud"
    "nginx"
    "paperless"
    "postgres"
    "prometheus"
    "redis"
    "systemd-network"
    "telegraf"
    "traefik"
    "vaultwarden"
    "wheel"
    "keys"
    "users"
    "media"
  ];
  userOf = name: {
    group = lib.mkDefault name;
    home = lib.mkDefault "/home/${name}";
  };

  # What the configuration of every whole system has.
  aSystem = {
    users.users = lib.genAttrs serviceUsers userOf;
    users.groups = lib.genAttrs serviceUsers (name: {
      inherit name;
    });
    networking.hostName = lib.mkDefault "host";
    networking.domain = lib.mkDefault "example.org";
    networking.fqdn = lib.mkDefault "host.example.org";
    system.stateVersion = lib.mkDefault "25.11";
  };
  aHome = {
    home.stateVersion = lib.mkDefault "25.11";
    xdg.dataHome = lib.mkDefault "/home/alice/.local/share";
    xdg.cacheHome = lib.mkDefault "/home/alice/.cache";
  };

  # Any other option may be set, but nothing reads it.
  open = {
    freeformType = lib.types.lazyAttrsOf lib.types.unspecified;
  };
  openEntries = lib.mkOption { type = lib.types.attrsOf (lib.types.submodule open); };
  anything = open // {
    config.sops = {
      defaultSopsFile = lib.mkOverride 1400 ../nix/files/secrets.yaml;
      package = lib.mkForce pkgs.hello;
      validationPackage = lib.mkForce pkgs.hello;
      # The paths of the configuration are not in the store here.
      validateSopsFiles = lib.mkForce false;
    };
  };

  # Flakes pass their inputs to modules. Here there are two inputs: the configuration, and sops-nix, which is imported already.
  sopsInput = rec {
    nixosModules = {
      sops = { };
      default = { };
    };
    darwinModules = nixosModules;
    homeManagerModules = nixosModules;
    homeModules = nixosModules;
    homeManagerModule = { };
  };
  self.outPath = root;
  arguments = {
    inherit pkgs self;
    inputs = {
      inherit self;
      sops-nix = sopsInput;
    };
    sops-nix = sopsInput;
    modulesPath = "/nixpkgs/nixos/modules";
  };

  systems = {
    nixos = {
      modules = [
        ../nix/stand-ins/nixos.nix
        {
          options.users.users = openEntries;
          options.systemd.services = openEntries;
          options.systemd.units = openEntries;
          options.fileSystems = openEntries;
        }
        aSystem
      ];
      theirs = sopsNix + "/modules/sops";
      ours = ../../nixos-module;
      inherit lib;
      manifests =
        config:
        map (manifest: manifest.text) [
          config.system.build.sops-nix-manifest
          config.system.build.sops-nix-users-manifest
        ];
    };
    darwin = {
      modules = import ../nix/nix-darwin-options.nix { inherit lib; } ++ [ aSystem ];
      theirs = sopsNix + "/modules/nix-darwin";
      ours = ../../darwin-module;
      inherit lib;
      manifests = config: [ config.system.build.sops-nix-manifest.text ];
    };
    home = {
      modules = [
        ../nix/stand-ins/home-manager.nix
        aHome
      ];
      theirs = sopsNix + "/modules/home-manager/sops.nix";
      ours = ../../home-module;
      lib = homeLib;
      # sops-nix gives no access to this manifest. So the values from which it is made are compared.
      manifests = _: [ ];
    };
    home-on-macos = systems.home;
  };

  chosen = systems.${system};

  placesOf = lib.mapAttrs (_: entry: { inherit (entry) path mode; });
  evaluate =
    module:
    let
      inherit
        (lib.evalModules {
          specialArgs = arguments // {
            inherit (chosen) lib;
          };
          modules =
            chosen.modules
            ++ [
              module
              anything
              file
            ]
            ++ lib.optional (lib.hasPrefix "home" system) { config._module.args.pkgs = lib.mkForce pkgs; };
        })
        config
        ;
    in
    {
      installed.manifests = map normal (chosen.manifests config);
      installed.secrets = lib.mapAttrs (_: secret: {
        inherit (secret)
          path
          mode
          key
          format
          ;
        sopsFile = "${toString secret.sopsFile}";
      }) config.sops.secrets;
      installed.templates = placesOf config.sops.templates;
      refused = map (a: a.message) (lib.filter (a: !a.assertion) config.assertions);
    };
in
{
  theirs = evaluate chosen.theirs;
  ours = evaluate chosen.ours;
}
