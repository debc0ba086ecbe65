# The NixOS options that the module sets or reads, with the types and the defaults that matter to it.
{
  config,
  lib,
  pkgs,
  ...
}:

let
  inherit (lib) types mkOption;
  option = type: default: mkOption { inherit type default; };
  list = option (types.listOf types.str) [ ];
  flag = option types.bool false;

  # A value in a section of a unit. If one of several definitions is a list, they are merged; otherwise all must be the same.
  unitValue = lib.mkOptionType {
    name = "unit value";
    merge =
      loc: defs:
      if lib.any (def: lib.isList def.value) defs then
        lib.concatMap (def: lib.toList def.value) defs
      else
        lib.mergeEqualOption loc defs;
  };

  # Options that hold a script, with the field that NixOS puts the script into.
  scripts = {
    preStart = "ExecStartPre";
    script = "ExecStart";
    postStart = "ExecStartPost";
    reload = "ExecReload";
    preStop = "ExecStop";
    postStop = "ExecStopPost";
  };

  # NixOS turns lists of units into fields of the unit file. So whatever decides the content of such a list must not read `unitConfig`.
  fieldsOfLists =
    config:
    lib.mapAttrs (_: toString) (
      lib.filterAttrs (_: list: list != [ ]) {
        After = config.after;
        Before = config.before;
        Wants = config.wants;
        Requires = config.requires;
        BindsTo = config.bindsTo;
        PartOf = config.partOf;
        Conflicts = config.conflicts;
      }
    );

  # What all kinds of units have.
  unit =
    type:
    { name, config, ... }:
    {
      options = {
        name = option types.str "${name}.${type}";
        description = option types.str "";
        enable = option types.bool true;
        aliases = list;
        wantedBy = list;
        requiredBy = list;
        after = list;
        before = list;
        wants = list;
        requires = list;
        bindsTo = list;
        partOf = list;
        conflicts = list;
        unitConfig = option (types.attrsOf unitValue) { };
      };
      config.unitConfig = fieldsOfLists config;
    };
  service =
    { config, name, ... }:
    {
      imports = [ (unit "service") ];
      options = {
        serviceConfig = option (types.attrsOf unitValue) { };
        environment = option (types.attrsOf (types.nullOr types.str)) { };
        path = option (types.listOf types.package) [ ];
        restartTriggers = option (types.listOf types.unspecified) [ ];
        reloadIfChanged = flag;
        overrideStrategy = option (types.enum [
          "asDropin"
          "asDropinIfExists"
        ]) "asDropinIfExists";
        restartIfChanged = option types.bool true;
        stopIfChanged = option types.bool true;
      }
      // lib.mapAttrs (_: _: option types.lines "") scripts;

      config = {
        # NixOS adds its own packages to every service, and makes the variable PATH of them all.
        path = lib.mkAfter defaultPath;
        environment.PATH = lib.mkIf (config.path != [ ]) (pathOf config.path);
        serviceConfig = lib.mkMerge (
          lib.mapAttrsToList (
            option: field:
            lib.mkIf (config.${option} != "") {
              ${field} = [ "${pkgs.writeShellScript "unit-script-${name}-${option}" config.${option}}" ];
            }
          ) scripts
        );
      };
    };
  defaultPath = [
    pkgs.coreutils
    pkgs.findutils
    pkgs.gnugrep
    pkgs.gnused
    pkgs.systemd
  ];
  pathOf = path: "${lib.makeBinPath path}:${lib.makeSearchPathOutput "bin" "sbin" path}";

  mount = {
    imports = [ (unit "mount") ];
    options = {
      where = option types.str "";
      what = option types.str "";
      type = option types.str "";
      options = option types.str "";
    };
  };

  units = unit: option (types.attrsOf (types.submodule unit)) { };

  user =
    { name, ... }:
    {
      options = {
        name = option types.str name;
        group = option types.str "";
        uid = option (types.nullOr types.int) null;
        isNormalUser = flag;
        isSystemUser = flag;
        home = option types.str "/var/empty";
        hashedPasswordFile = option (types.nullOr types.str) null;
      };
    };

  script = types.submodule {
    options = {
      deps = list;
      text = option types.lines "";
      supportsDryActivation = flag;
    };
  };

  # These file systems are mounted before the activation scripts run, whatever their options say.
  alwaysThere = [
    "/"
    "/nix"
    "/nix/store"
    "/var"
    "/var/log"
    "/var/lib"
    "/var/lib/nixos"
    "/etc"
    "/usr"
  ];
in
{
  options = {
    networking.hostName = option types.str "";
    assertions = option (types.listOf types.unspecified) [ ];
    warnings = list;
    boot.postBootCommands = option types.lines "";
    boot.initrd.secrets = option (types.attrsOf types.unspecified) { };
    boot.initrd.luks.devices = option (types.attrsOf types.attrs) { };
    systemd.tmpfiles.rules = option (types.listOf types.str) [ ];
    environment.systemPackages = option (types.listOf types.unspecified) [ ];
    environment.etc = option (types.attrsOf types.unspecified) { };
    system.build = option (types.lazyAttrsOf types.unspecified) { };
    system.activationScripts = option (types.attrsOf (
      types.coercedTo types.str lib.noDepEntry script
    )) { };
    system.nixos-init.enable = flag;
    system.preSwitchChecks = option (types.attrsOf types.str) { };
    system.nixos.release = option types.str lib.trivial.release;
    systemd.sysusers.enable = flag;
    systemd.globalEnvironment = option (types.attrsOf (types.nullOr types.str)) { };
    systemd.services = units service;
    systemd.targets = units (unit "target");
    systemd.sockets = units (unit "socket");
    systemd.timers = units (unit "timer");
    systemd.paths = units {
      imports = [ (unit "path") ];
      options.pathConfig = option (types.attrsOf types.unspecified) { };
    };
    systemd.mounts = option (types.listOf (types.submodule mount)) [ ];
    systemd.units = option (types.attrsOf (types.submodule { options.aliases = list; })) { };
    boot.plymouth.enable = flag;
    services.userborn.enable = flag;
    services.openssh = {
      enable = flag;
      hostKeys = option (types.listOf types.attrs) [
        {
          type = "rsa";
          path = "/etc/ssh/ssh_host_rsa_key";
        }
        {
          type = "ed25519";
          path = "/etc/ssh/ssh_host_ed25519_key";
        }
      ];
    };
    users.mutableUsers = option types.bool true;
    users.users = option (types.attrsOf (types.submodule user)) { };
    users.groups = option (types.attrsOf types.unspecified) { };
  };

  config = {
    _module.args = {
      inherit pkgs;
      utils.fsNeededForBoot = fs: fs.neededForBoot || lib.elem fs.mountPoint alwaysThere;
      # This is enough for paths of letters, digits and blanks.
      utils.escapeSystemdPath =
        path:
        if path == "/" then
          "-"
        else
          lib.replaceStrings [ "/" " " ] [ "-" "\\x20" ] (lib.removePrefix "/" path);
    };
    users.users.root.group = "root";
    system.activationScripts = {
      specialfs = "mount the special file systems\n";
      users = lib.mkIf (!config.services.userborn.enable && !config.systemd.sysusers.enable) {
        text = "create users\n";
      };
      groups = "\n";
    };
    # NixOS makes a unit of each service.
    systemd.units = lib.mapAttrs' (
      _: service: lib.nameValuePair service.name { inherit (service) aliases; }
    ) config.systemd.services;
  };
}
