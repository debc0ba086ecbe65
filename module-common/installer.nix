# The script that runs the installer on one manifest. Activation scripts, units and home-manager all start it.
{
  lib,
  pkgs,
  cfg,
}:

{
  # Name of the script in the store.
  scriptName,
  # The manifest to install.
  manifest,
  # Further flags of the installer.
  flags ? [ ],
  # Variables that the user's own variables may replace.
  defaultEnvironment ? { },
}:

let
  # Single quotes without escaping: users of `sops.environment` rely on this to run commands in a value.
  exports = lib.mapAttrsToList (name: value: "export ${name}='${value}'") (
    defaultEnvironment // cfg.environment
  );

  # Plugins come first in PATH. The rest of PATH stays, because a plugin may need programs of the system.
  pluginPath = lib.optional (
    cfg.age.plugins != [ ]
  ) "export PATH='${lib.makeBinPath cfg.age.plugins}'\${PATH:+\":$PATH\"}";

  # On macOS, what starts the installer may have a PATH without the directories of the system, in which a plugin looks for programs.
  systemPath = lib.optional pkgs.stdenv.hostPlatform.isDarwin "export PATH=\"\${PATH:+$PATH:}/usr/bin:/bin:/usr/sbin:/sbin\"";

  command = lib.concatStringsSep " " (
    [ "exec ${cfg.package}/bin/sops-install-secrets" ] ++ flags ++ [ "${manifest}" ]
  );
in
pkgs.writeShellScript scriptName (
  lib.concatLines (exports ++ pluginPath ++ systemPath ++ [ command ])
)
