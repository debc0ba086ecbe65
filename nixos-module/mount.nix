# The command of a unit that mounts the file system of the secrets.
#
# The installer could mount the file system itself. But a confined unit has a mount namespace of its own, and the host does not see
# what is mounted there. So the unit runs this command first, with full privileges (`+`). The command enters the mount namespace of
# the system, because systemd also gives privileged commands of a unit a namespace of their own. This is no `.mount` unit, because a
# switch that changes such a unit would unmount the live secrets. Some containers do not allow mounting, or entering the namespace.
# Then the unit goes on nevertheless (`-`), and the installer reports the consequence. The installer sets the owner of the file
# system, which works from any namespace.
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
      # There is nothing to install, but secrets of an earlier configuration may have to be removed.
      ++ lib.optional phase.isEmpty ''[ -e "$mountPoint" ] || exit 0''
      # The confined installer can make directories below these top-level directories, but not the top-level directories themselves.
      # At a first boot /home may not exist yet.
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
  # The command as it is written in a unit.
  command = "-+${script}";
}
