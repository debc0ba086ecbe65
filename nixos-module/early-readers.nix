# The parts of the configuration that read secrets at boot before sops-nix.service can install them: volumes of crypttab, local file systems for which
# local-fs.target waits, and commands that run before systemd.
#
# The scripts and units of this module depend on the result. So nothing here may read these scripts and units.
{
  config,
  lib,
  phases,
  utils,
}:

let
  cfg = import ../module-common/in-effect.nix { inherit config lib; };
  fileSystems = import ./file-systems.nix { inherit config lib; };

  inherit (import ./secret-names.nix { inherit cfg lib; }) namesAny namesSecret;

  # The volumes of crypttab(5), each with its line and the options in its fourth field.
  volume =
    line:
    let
      fields = lib.filter (field: lib.isString field && field != "") (builtins.split "[ \t]+" line);
    in
    {
      inherit line;
      isComment = fields != [ ] && lib.hasPrefix "#" (lib.head fields);
      options = lib.concatMap (lib.splitString ",") (lib.drop 3 fields);
    };
  crypttab = config.environment.etc.crypttab or { };
  isReadable = file: !builtins.hasContext "${toString file}" && builtins.pathExists file;
  crypttabSource = if crypttab.text or null == null then crypttab.source or null else null;
  isCrypttab = names: crypttab.enable or true && names (toString crypttabSource);
  crypttabText =
    if crypttab.text or null != null then
      crypttab.text
    else if
      crypttabSource != null
      && !isCrypttab (namesAny (map ({ entry, ... }: entry.path) phases.entries))
      && isReadable crypttabSource
    then
      builtins.readFile crypttab.source
    else
      "";
  volumes = lib.filter (volume: !volume.isComment && !lib.elem "noauto" volume.options) (
    map volume (lib.optionals (crypttab.enable or true) (lib.splitString "\n" crypttabText))
  );
  # Remote disks wait for the network.
  isRemoteVolume = volume: lib.elem "_netdev" volume.options;

  # File systems that are mounted at boot, after the initrd. Those that the initrd mounts are in initrd-readers.nix.
  mounted = lib.filter (
    fs: !utils.fsNeededForBoot fs && fileSystems.isMountedAtBoot fs
  ) fileSystems.all;
  # The boot does not wait for these file systems. They are mounted when the secrets are there.
  comesLater =
    fs:
    lib.elem "nofail" (fileSystems.optionsOf fs)
    && lib.any (unit: lib.elem unit fileSystems.ours) (fileSystems.waitsFor fs);

  # The settings that open or mount a disk, each with the text that may name a secret.
  disks =
    map (volume: {
      name = "environment.etc.crypttab";
      text = volume.line;
    }) (lib.filter (volume: !isRemoteVolume volume) volumes)
    ++ map (fs: {
      name =
        if fs ? unit then
          "systemd.mounts with where = \"${fs.mountPoint}\""
        else
          "fileSystems.\"${fs.mountPoint}\".options";
      text = toString fs.options;
    }) (lib.filter (fs: !fileSystems.isRemote fs && !comesLater fs) mounted);

  # The path that a secret or template gets with neededForFileSystems.
  newPath =
    path:
    let
      old = lib.findFirst (directory: lib.hasPrefix "${directory}/" path) null [
        cfg.secretsDir
        cfg.secretsForUsersDir
      ];
    in
    if old == null then path else cfg.secretsForFileSystemsDir + lib.removePrefix old path;

  # The secrets and templates whose paths are words of the text.
  namedIn =
    text:
    let
      words = builtins.split "[ \t,=:]+" text;
    in
    lib.filter ({ entry, ... }: lib.elem entry.path words) phases.entries;
  withRemedy =
    { name, text }:
    let
      named = namedIn text;
      each =
        { option, entry }:
        "set ${option}.neededForFileSystems to true"
        + lib.optionalString entry.neededForUsers " instead of neededForUsers"
        + lib.optionalString (
          newPath entry.path != entry.path
        ) ", and change its path in ${name} to ${newPath entry.path}";
    in
    {
      inherit name;
      remedy =
        if named == [ ] then
          "declare the secret with neededForFileSystems, and use its path in ${cfg.secretsForFileSystemsDir}"
        else
          lib.concatMapStringsSep "; " each named;
    };
  readersOf =
    names:
    map withRemedy (lib.unique (lib.filter (disk: names disk.text) disks)) ++ crypttabReader names;
  # systemd reads crypttab itself before any unit starts.
  crypttabReader =
    names:
    lib.optional (isCrypttab names) {
      name = "environment.etc.crypttab.source";
      remedy = "write the lines of crypttab in environment.etc.crypttab.text, and make only the keys that they name secrets with neededForFileSystems";
    };
in
{
  # The readers of secrets of the regular phase.
  regular =
    readersOf namesSecret
    ++ lib.optional (namesSecret (config.boot.postBootCommands or "")) {
      name = "boot.postBootCommands";
      remedy = "move these commands to a unit with after = [ \"sops-nix.service\" ]";
    };

  # Whether a remote disk needs a secret of the regular phase.
  remote = lib.any namesSecret (
    map (volume: volume.line) (lib.filter isRemoteVolume volumes)
    ++ map (fs: toString fs.options) (lib.filter fileSystems.isRemote mounted)
  );

  # The readers of secrets with neededForFileSystems that no unit can install in time.
  fileSystems = crypttabReader (
    namesAny (
      [ "${cfg.secretsForFileSystemsDir}/" ]
      ++ map (entry: entry.path) (
        lib.attrValues phases.fileSystems.secrets ++ lib.attrValues phases.fileSystems.templates
      )
    )
  );

  # Disks that need a secret with neededForUsers. Nothing orders these disks after the unit that installs the secret.
  early = readersOf (
    namesAny (
      [ "${cfg.secretsForUsersDir}/" ]
      ++ map (entry: entry.path) (
        lib.attrValues phases.early.secrets ++ lib.attrValues phases.early.templates
      )
    )
  );
}
