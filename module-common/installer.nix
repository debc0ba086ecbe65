# The script that runs the installer on one manifest: the one thing that activation scripts, units and home-manager start.
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
  # Variables that the user's own may replace.
  defaultEnvironment ? { },
}:

let
  # Single quotes and no escaping is what users of `sops.environment` rely on to run commands in a value.
  exports = lib.mapAttrsToList (name: value: "export ${name}='${value}'") (
    defaultEnvironment // cfg.environment
  );

  # Plugins come first in PATH, but everything else stays reachable: a plugin may need programs of the system.
  pluginPath = lib.optional (
    cfg.age.plugins != [ ]
  ) "export PATH='${lib.makeBinPath cfg.age.plugins}'\${PATH:+\":$PATH\"}";

  command = lib.concatStringsSep " " (
    [ "exec ${cfg.package}/bin/sops-install-secrets" ] ++ flags ++ [ "${manifest}" ]
  );
in
pkgs.writeShellScript scriptName (lib.concatLines (exports ++ pluginPath ++ [ command ]))
