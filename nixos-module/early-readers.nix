# What the configuration has read secrets at boot before a unit can install them: volumes of crypttab and local file systems, for which local-fs.target waits,
# and commands that run before systemd.
#
# What our own scripts and units do depends on this. So it reads nothing that depends on them.
{ config, lib }:

let
  cfg = config.sops;
  fileSystems = import ./file-systems.nix { inherit config lib; };

  inherit (import ./secret-names.nix { inherit cfg lib; }) namesSecret;

  # A volume with one of these options, in the fourth field of its line (crypttab(5)), is not opened before the secrets are there.
  isOpenedEarly =
    line:
    let
      fields = lib.filter (field: lib.isString field && field != "") (builtins.split "[ \t]+" line);
      isComment = fields != [ ] && lib.hasPrefix "#" (lib.head fields);
      volumeOptions = lib.concatMap (lib.splitString ",") (lib.drop 3 fields);
    in
    !isComment && lib.mutuallyExclusive [ "noauto" "_netdev" ] volumeOptions;
  crypttab = config.environment.etc.crypttab or { };
  volumes = lib.optionals (crypttab.enable or true && crypttab.text or null != null) (
    lib.splitString "\n" crypttab.text
  );

  # The same for file systems. Remote ones wait for the network.
  isMountedEarly =
    fs:
    !fileSystems.isRemote fs
    && lib.mutuallyExclusive [ "noauto" "x-systemd.automount" ] fs.options
    && !lib.any (unit: lib.hasInfix unit (toString fs.options)) [
      "sops-nix.service"
      "sops-install-secrets.service"
      "sops-nix.target"
    ];
in
lib.optional (lib.any (line: isOpenedEarly line && namesSecret line) volumes) {
  name = "environment.etc.crypttab";
  remedy = "add noauto to that line, and have a unit with after = [ \"sops-nix.service\" ] start its systemd-cryptsetup@<name>.service";
}
++ lib.optional (namesSecret (config.boot.postBootCommands or "")) {
  name = "boot.postBootCommands";
  remedy = "make a unit of that, with after = [ \"sops-nix.service\" ]";
}
++
  map
    (fs: {
      name = "fileSystems.\"${fs.mountPoint}\".options";
      remedy = "add nofail and x-systemd.requires=sops-nix.service to them";
    })
    (
      lib.filter (fs: isMountedEarly fs && namesSecret (toString fs.options)) (
        lib.attrValues (config.fileSystems or { })
      )
    )
