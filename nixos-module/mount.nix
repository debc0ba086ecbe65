# The step of a unit that mounts the file system of the secrets.
#
# The installer mounts it by itself, but a confined unit has a mount namespace of its own, and what is mounted there the host never sees.
# So the unit takes this step first, with full privileges (`+`), and in the mount namespace of the system: systemd gives a unit's every command
# a namespace, the privileged ones too, if only an unconfined one. It is no `.mount` unit, because a switch that changed such a unit would
# unmount the live secrets. Where mounting or that namespace is forbidden, as in some containers, nothing fails here (`-`): the installer says
# what is lost by that and goes on. It also sets the owner, which is the same file system's wherever it is seen from.
{
  lib,
  pkgs,
  cfg,
}:

phase:

let
  flags = "nodev,nosuid,noexec";
  mount = type: options: ''mount -t ${type} -o ${flags},mode=0751${options} ${type} "$mountPoint"'';
  # Kernels before 6.4 do not know noswap.
  mountTmpfs = "${mount "tmpfs" ",noswap"} 2> /dev/null || ${mount "tmpfs" ""}";
  roots = lib.subtractLists [
    "/"
    "/run"
  ] phase.roots;
  script = pkgs.writeShellScript "sops-nix-mount${phase.suffix}" (
    lib.concatLines (
      [
        "export PATH='${
          lib.makeBinPath [
            pkgs.coreutils
            pkgs.util-linux
          ]
        }'"
        "enter='nsenter --target 1 --mount --wd=/'"
        "if [ \"$1\" != inside ] && $enter true 2> /dev/null; then exec $enter \"$0\" inside; fi"
        "umask 022"
        "mountPoint=${phase.mountPoint}"
      ]
      # There is nothing to install, perhaps something to remove.
      ++ lib.optional phase.isEmpty ''[ -e "$mountPoint" ] || exit 0''
      # The confined installer makes directories below these, but not these themselves. At a first boot /home may be yet to be made.
      ++ lib.optional (roots != [ ]) "mkdir -p ${lib.escapeShellArgs roots}"
      ++ [
        ''if mountpoint -q "$mountPoint"; then''
        # Somebody may have mounted it with weaker flags.
        "  mount -o remount,bind,${flags} \"$mountPoint\""
        "else"
        "  mkdir -p -m 0751 \"$mountPoint\""
        "  ${if cfg.useTmpfs then mountTmpfs else mount "ramfs" ""}"
        "fi"
        "exit 0"
      ]
    )
  );
in
{
  inherit script;
  # As a unit calls it.
  command = "-+${script}";
}
