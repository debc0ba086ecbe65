# Stands for nixpkgs in the evaluation of whole hosts: every package is there, and none is real. The variable NAMES names a JSON file
# with the names of packages and of their parts, all words that a configuration uses.
{
  localSystem ? { },
  system ? localSystem.system or localSystem,
  ...
}:

let
  lib = import ../../../nix/find-lib.nix;
  names = builtins.fromJSON (builtins.readFile (builtins.getEnv "NAMES"));
  hostPlatform = lib.systems.elaborate system;
  texts = import ../../../nix/stand-ins/pkgs.nix { inherit lib system; };
  storePath = name: "${builtins.storeDir}/${lib.concatStrings (lib.replicate 32 "0")}-${name}";

  # A package that is a set of packages, and a function that makes a package of anything as well.
  package =
    name:
    let
      self =
        lib.genAttrs names (part: package (if lib.stringLength name > 60 then part else "${name}-${part}"))
        // {
          type = "derivation";
          inherit name system;
          pname = name;
          version = "99.9";
          outPath = storePath name;
          drvPath = "${storePath name}.drv";
          outputName = "out";
          outputs = [ "out" ];
          out = self;
          bin = self;
          man = self;
          meta = {
            mainProgram = name;
            platforms = [ ];
            available = true;
          };
          passthru = self;
          override = _: self;
          overrideAttrs = _: self;
          # As a module, it is an empty one.
          __functor =
            _: argument: if lib.isAttrs argument && argument ? config && argument ? options then { } else self;
        };
    in
    removeAttrs self [
      "outputSpecified"
      "__toString"
      "__spliced"
      "_type"
    ];

  pkgs = lib.genAttrs names package // {
    inherit lib hostPlatform system;
    inherit (texts) writeText;
    # The manifest of a home is in a file that a script names, and nothing else leads to it. So the paths of both are their texts.
    writeTextFile = { name, text, ... }: texts.writeText name text // { outPath = "/${text}"; };
    writeShellScript = name: text: texts.writeShellScript name text // { outPath = "/${text}"; };
    pkgs = pkgs;
    __splicedPackages = pkgs;
    buildPackages = pkgs;
    appendOverlays = _: pkgs;
    extend = _: pkgs;
    applyPatches = { src, ... }: src;
    callPackage =
      function: arguments:
      let
        called = if lib.isFunction function then function else import function;
      in
      called (lib.intersectAttrs (lib.functionArgs called) pkgs // arguments);
    stdenv = package "stdenv" // {
      inherit hostPlatform;
      inherit (hostPlatform) isDarwin isLinux system;
      buildPlatform = hostPlatform;
      targetPlatform = hostPlatform;
    };
    config = { };
    overlays = [ ];
    path = toString ./.;
    formats = lib.genAttrs names (
      _: _: {
        type = lib.types.unspecified;
        generate = name: value: texts.writeText name (builtins.toJSON value);
      }
    );
  };
in
pkgs
