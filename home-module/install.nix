# What installs a user's secrets: the manifest and the scripts.
{
  lib,
  pkgs,
  cfg,
  # The path of systemctl; null on macOS.
  systemctl,
  # The units that read a file by EnvironmentFile=, by its path.
  environmentFileUnits ? { },
}:

let
  entries = lib.attrValues cfg.secrets ++ lib.attrValues cfg.templates;
  unitsOf =
    entry: lib.filterAttrs (_: units: units != [ ]) { inherit (entry) restartUnits reloadUnits; };

  watchFiles = import ../module-common/watch-files.nix { inherit lib; };
  environmentFiles = import ../module-common/environment-files.nix { inherit lib; };

  paths = [
    cfg.defaultSecretsMountPoint
    cfg.defaultSymlinkPath
  ]
  ++ lib.optional cfg.watch watchFiles.ofUser
  ++ map (entry: entry.watchFile) (lib.filter (entry: entry.watch) entries)
  ++ map (entry: entry.path) entries;

  # Whether a path is in the run-time directory. `%r` stands for that directory, and `%%` for a percent sign. Some people write
  # `/run/user/…` instead of `%r`.
  mentionsRuntimeDir =
    path:
    lib.hasPrefix "/run/user/" path || lib.hasInfix "%r" (lib.replaceStrings [ "%%" ] [ "" ] path);
in
rec {
  manifest = import ../module-common/manifest.nix { inherit lib pkgs cfg; } {
    fileName = "manifest.json";
    inherit (cfg) secrets templates;
    mountPoint = cfg.defaultSecretsMountPoint;
    symlinkPath = cfg.defaultSymlinkPath;
    userMode = true;
    # The fields with units. Most secrets name no units; then the fields are left out, because an older program in `sops.package`
    # does not know them.
    furtherFields = entry: unitsOf entry // environmentFiles.fieldOf environmentFileUnits entry;
    fields = lib.optionalAttrs cfg.watch { watchFile = watchFiles.ofUser; };
  };

  installer = import ../module-common/installer.nix { inherit lib pkgs cfg; } {
    scriptName = "sops-nix-user";
    inherit manifest;
    # All files belong to the user.
    flags = [ "-ignore-passwd" ];
    defaultEnvironment =
      lib.optionalAttrs (systemctl != null && lib.any (entry: unitsOf entry != { }) entries)
        {
          SOPS_NIX_SYSTEMCTL = systemctl;
        };
  };

  # What runs before the installer.
  before =
    lib.optional (cfg.age.generateKey && cfg.age.keyFile != null)
      "${import ../module-common/generate-key.nix { inherit lib pkgs cfg; }}";

  # The whole command, for what starts one program.
  command = import ../module-common/with-key.nix { inherit lib pkgs; } { inherit before installer; };

  # A script that removes a memory disk of macOS, called with its directory.
  removeMemoryDisk = pkgs.writeShellScript "sops-nix-remove-memory-disk" (
    import ../module-common/remove-memory-disk.nix { inherit pkgs; } "\"$1\""
  );

  # A shell command, called with the run-time directory: whether secrets can be installed without a user manager.
  isPossible =
    if cfg.age.keyCredential != null then
      "false"
    else if lib.any mentionsRuntimeDir paths then
      "test -d"
    else
      "true";

  # What is missing if secrets cannot be installed without a user manager.
  missing =
    if cfg.age.keyCredential != null then
      "user manager to give the credential ${cfg.age.keyCredential}"
    else
      "run-time directory $sopsRuntimeDir";
}
