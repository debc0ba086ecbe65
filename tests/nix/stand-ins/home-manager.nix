# The home-manager options that the module sets or reads.
{
  lib,
  pkgs,
  ...
}:

let
  inherit (lib) types mkOption;
  option = type: default: mkOption { inherit type default; };
in
{
  options = {
    assertions = option (types.listOf types.unspecified) [ ];
    warnings = option (types.listOf types.str) [ ];
    home = {
      username = option types.str "alice";
      homeDirectory = option types.str "/home/alice";
      sessionVariables = option (types.lazyAttrsOf (types.either types.str types.int)) { };
      activation = option (types.attrsOf types.unspecified) { };
    };
    # The parts of a launchd agent that the module sets, and those that configurations set beside them.
    launchd.agents = option (types.attrsOf (
      types.submodule {
        options = {
          enable = option types.bool false;
          config = option (types.submodule {
            freeformType = types.attrsOf types.unspecified;
            options.EnvironmentVariables = option (types.attrsOf types.str) { };
          }) { };
        };
      }
    )) { };
    xdg.configHome = option types.str "/home/alice/.config";
    systemd.user = {
      systemctlPath = option types.str "${pkgs.systemd}/bin/systemctl";
      # Sections of a unit, each a set of values or of lists of values.
      services = option (types.attrsOf (
        types.attrsOf (
          types.attrsOf (
            types.oneOf [
              types.bool
              types.int
              types.str
              (types.listOf types.str)
            ]
          )
        )
      )) { };
    };
  };

  config._module.args = { inherit pkgs; };
}
