# The nix-darwin options that the module sets or reads.
{
  config,
  lib,
  pkgs,
  ...
}:

let
  inherit (lib) types mkOption;
  option = type: default: mkOption { inherit type default; };

  daemon =
    { config, name, ... }:
    {
      options = {
        environment = option (types.attrsOf types.str) { };
        path = option (types.listOf types.unspecified) [ ];
        command = option (types.either types.str types.path) "";
        script = option types.lines "";
        serviceConfig = option (types.attrsOf types.unspecified) { };
      };
      config.serviceConfig = {
        Label = lib.mkDefault "org.nixos.${name}";
        ProgramArguments = lib.mkIf (config.command != "") [
          "/bin/sh"
          "-c"
          "/bin/wait4path /nix/store && exec ${config.command}"
        ];
        EnvironmentVariables = lib.mkIf (config.environment != { }) config.environment;
      };
    };
in
{
  options = {
    assertions = option (types.listOf types.unspecified) [ ];
    warnings = option (types.listOf types.str) [ ];
    networking.hostName = option (types.nullOr types.str) null;
    launchd.daemons = option (types.attrsOf (types.submodule daemon)) { };
    environment.launchDaemons = option (types.attrsOf types.unspecified) { };
    system = {
      build = option (types.attrsOf types.unspecified) { };
      activationScripts = option (types.attrsOf (
        types.submodule { options.text = option types.lines ""; }
      )) { };
    };
  };

  config = {
    _module.args = { inherit pkgs; };
    environment.launchDaemons = lib.mapAttrs' (_: daemon: {
      name = "${daemon.serviceConfig.Label}.plist";
      value.text = lib.generators.toPlist { escape = true; } daemon.serviceConfig;
    }) config.launchd.daemons;
  };
}
