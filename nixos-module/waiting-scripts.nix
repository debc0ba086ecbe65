# Finds the activation scripts of the configuration that need the secrets. Only definitions are read here, not the merged scripts: the scripts of this module
# depend on the result, so reading them would be infinite recursion.
{ lib, options }:

let
  inherit (lib) types;

  definitions = lib.filter (definition: definition.file != toString ./scripts.nix) (
    options.system.activationScripts.definitionsWithLocations or [ ]
  );

  script = types.submodule {
    options.deps = lib.mkOption {
      type = types.listOf types.str;
      default = [ ];
    };
    options.text = lib.mkOption {
      type = types.nullOr types.lines;
      default = null;
    };
    config._module.freeformType = types.lazyAttrsOf types.raw;
  };

  evaluated = lib.evalModules {
    modules = [
      {
        options.scripts = lib.mkOption {
          type = types.attrsOf (types.coercedTo types.str lib.noDepEntry script);
          default = { };
        };
      }
    ]
    ++ map (definition: { config.scripts = definition.value; }) definitions;
  };
  inherit (evaluated.config) scripts;
  waitingFor = ours: lib.attrNames (lib.filterAttrs (_: script: lib.elem ours script.deps) scripts);
in
{
  # The names of the scripts that need the secrets of a phase: `waiting` for the regular phase, `waitingEarly` for the early one.
  waiting = waitingFor "setupSecrets";
  waitingEarly = waitingFor "setupSecretsForUsers";

  # Whether the text of our script is set.
  replaceOurs = scripts ? setupSecrets && scripts.setupSecrets.text != null;
}
