# Options that name a secret, but are read in the initrd, which has no secrets. An option that names a file which
# `boot.initrd.secrets` copies into the initrd does not count.
{
  config,
  lib,
  phases,
  utils,
}:

let
  cfg = import ../module-common/in-effect.nix { inherit config lib; };
  inherit (import ./secret-names.nix { inherit cfg lib; }) namesAny;

  directories = map (phase: "${phase.directory}/") phases.all;
  names = namesAny (lib.unique (directories ++ map ({ entry, ... }: entry.path) phases.entries));

  options = lib.concatMap (fs: [
    {
      name = "fileSystems.\"${fs.mountPoint}\".options";
      text = lib.optionalString (utils.fsNeededForBoot fs) (toString fs.options);
    }
    {
      name = "fileSystems.\"${fs.mountPoint}\".encrypted.keyFile";
      text = toString (fs.encrypted.keyFile or "");
    }
  ]) (lib.attrValues (config.fileSystems or { }));
  swap = map (device: {
    name = "swapDevices.*.encrypted.keyFile";
    text = toString (device.encrypted.keyFile or "");
  }) (config.swapDevices or [ ]);
  volumes = lib.mapAttrsToList (name: device: {
    name = "boot.initrd.luks.devices.${lib.strings.escapeNixIdentifier name}.keyFile";
    text = toString (device.keyFile or "");
  }) (config.boot.initrd.luks.devices or { });
in
map (reader: reader.name) (
  lib.filter (reader: names reader.text && !config.boot.initrd.secrets or { } ? ${reader.text}) (
    options ++ swap ++ volumes
  )
)
