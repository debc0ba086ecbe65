# What installs the secrets of a Mac: the manifest and the scripts. The activation and the launchd daemon start the same script.
{
  lib,
  pkgs,
  cfg,
  # The name of the Mac, or null.
  hostName,
}:

let
  zeroIfNull = number: if number == null then 0 else number;

  # What runs before the installer.
  before =
    lib.optional (cfg.age.generateKey && cfg.age.keyFile != null)
      "${import ../module-common/generate-key.nix { inherit lib pkgs cfg; }}";
in
rec {
  mountPoint = "${cfg.secretsDir}.d";

  manifest = import ../module-common/manifest.nix { inherit lib pkgs cfg; } {
    fileName = "manifest.json";
    inherit (cfg) secrets templates;
    inherit mountPoint;
    symlinkPath = cfg.secretsDir;
    userMode = false;
    inherit hostName;
    furtherFields = entry: {
      inherit (entry) owner group;
      uid = zeroIfNull entry.uid;
      gid = zeroIfNull entry.gid;
    };
  };

  installer = import ../module-common/installer.nix { inherit lib pkgs cfg; } {
    scriptName = "sops-nix";
    inherit manifest;
    # This home belongs to nobody, so that no person's own keys are used.
    defaultEnvironment.HOME = "/var/empty";
  };

  # A script that removes the memory disk.
  removeMemoryDisk = pkgs.writeShellScript "sops-nix-remove-memory-disk" (
    import ../module-common/remove-memory-disk.nix { inherit pkgs; } mountPoint
  );

  # The whole command, for what starts one program.
  command = import ../module-common/with-key.nix { inherit lib pkgs; } { inherit before installer; };
}
