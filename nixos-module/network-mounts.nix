# Local file systems that wait for the network although local-fs.target waits for them. If the network also waited for the secrets, which come after
# local-fs.target, this would be a cycle. The result are names of options.
{ config, lib }:

let
  fileSystems = import ./file-systems.nix { inherit config lib; };

  isNetwork =
    unit:
    lib.elem unit [
      "network-online.target"
      "network.target"
      "systemd-networkd-wait-online.service"
      "systemd-networkd.service"
    ];

  optionsOf = fs: lib.concatMap (lib.splitString ",") fs.options;
  # The units that an entry of fstab waits for: systemd.mount(5).
  waitsFor =
    fs:
    lib.concatMap (
      option:
      lib.optionals (
        lib.hasPrefix "x-systemd.after=" option || lib.hasPrefix "x-systemd.requires=" option
      ) (lib.tail (lib.splitString "=" option))
    ) (optionsOf fs);
  isWaitedFor =
    fs:
    lib.mutuallyExclusive [
      "_netdev"
      "noauto"
      "nofail"
      "x-systemd.automount"
    ] (optionsOf fs)
    && !fileSystems.isRemote fs;

  declared = lib.filter (fs: isWaitedFor fs && lib.any isNetwork (waitsFor fs)) (
    lib.attrValues (config.fileSystems or { })
  );
  units = lib.filter (
    unit:
    unit.enable or true
    && unit.unitConfig.DefaultDependencies or true != false
    && !fileSystems.isRemote (fileSystems.ofMount unit)
    && lib.any isNetwork (unit.after or [ ])
  ) (config.systemd.mounts or [ ]);
in
map (fs: "fileSystems.\"${fs.mountPoint}\".options") declared
++ map (unit: "the options of systemd.mounts with where = \"${unit.where}\"") units
