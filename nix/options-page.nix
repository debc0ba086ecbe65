# Makes docs/options.md: every option of the three modules, with its description from there.
{ lib }:

let
  # Reads only declarations, so it needs neither packages nor the rest of a configuration.
  optionsOf =
    module:
    let
      evaluated = lib.evalModules {
        specialArgs.pkgs = { };
        modules = [
          module
          {
            options._module.args = lib.mkOption { internal = true; };
            config._module.check = false;
          }
        ];
      };
    in
    lib.filter (option: option.visible && !option.internal && lib.head option.loc == "sops") (
      lib.optionAttrSetToDocList evaluated.options
    );

  # A default or an example is an expression, or a text of its own.
  value =
    v:
    if v._type or "" == "literalMD" then
      " ${v.text}"
    else if lib.hasInfix "\n" v.text then
      "\n\n```nix\n${lib.trim v.text}\n```"
    else
      " `${v.text}`";

  field = name: v: "\n${name}:${value v}\n";

  section =
    option:
    "### `${option.name}`\n\n"
    + "${lib.trim option.description}\n\n"
    + "Type: ${option.type}${lib.optionalString option.readOnly " (read-only)"}\n"
    + lib.optionalString (option ? default) (field "Default" option.default)
    + lib.optionalString (option ? example) (field "Example" option.example);

  page = options: lib.concatMapStringsSep "\n" section options;

  nixos = optionsOf ../nixos-module;
  darwin = optionsOf ../darwin-module;
  home = optionsOf ../home-module;

  names = map (option: option.name);
  byName =
    options: lib.listToAttrs (map (option: lib.nameValuePair option.name (section option)) options);
  sameIn = lib.filter (
    option:
    lib.all (others: (byName others).${option.name} or null == section option) [
      darwin
      home
    ]
  ) nixos;
  onlyIn = options: lib.filter (option: !lib.elem option.name (names sameIn)) options;
in
''
  # Options

  Generated from the modules: do not edit. To make it anew: `tests/nix/run.sh --update`.

  ## NixOS, nix-darwin and home-manager

  ${page sameIn}
  ## NixOS

  ${page (onlyIn nixos)}
  ## nix-darwin

  ${page (onlyIn darwin)}
  ## home-manager

  ${page (onlyIn home)}''
