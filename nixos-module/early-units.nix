# The units of systemd and of packages that start early in the boot, with the units that they wait for.
{ config, lib }:

rec {
  # Units of packages that start early in the boot, with the units that they wait for. NixOS does not know the files of these units.
  # The units of the second list wait for systemd-sysusers.service.
  earlyUnits =
    lib.genAttrs [
      "cryptsetup-pre.target"
      "kmod-static-nodes.service"
      "swap.target"
      "systemd-boot-random-seed.service"
      "systemd-journald.service"
      "systemd-journald.socket"
      "systemd-modules-load.service"
      "systemd-random-seed.service"
      "systemd-remount-fs.service"
      "systemd-sysctl.service"
      "systemd-sysusers.service"
      "systemd-tmpfiles-setup-dev-early.service"
      "systemd-tpm2-setup-early.service"
      "systemd-tpm2-setup.service"
      "systemd-udevd-control.socket"
      "systemd-udevd-kernel.socket"
      "tpm2.target"
      "userborn.service"
    ] (_: [ ])
    // lib.genAttrs [
      "systemd-journal-flush.service"
      "systemd-tmpfiles-setup-dev.service"
      "systemd-udev-settle.service"
      "systemd-udev-trigger.service"
      "systemd-udevd.service"
      "systemd-vconsole-setup.service"
    ] (_: [ "systemd-sysusers.service" ])
    // {
      # systemd-remount-fs.service, which an entry for / in fstab starts, makes local mounts wait for the devices in /dev, and these wait for users.
      "local-fs-pre.target" = [
        "systemd-remount-fs.service"
      ]
      ++ lib.optional (config.fileSystems or { } ? "/") "systemd-tmpfiles-setup-dev.service";
      # Only udev tells systemd that a disk is there.
      "local-fs.target" = [
        "local-fs-pre.target"
      ]
      ++ lib.optional (config.fileSystems or { } ? "/") "systemd-udevd.service";
      "cryptsetup.target" = [ "cryptsetup-pre.target" ];
      "systemd-tmpfiles-setup.service" = [
        "systemd-sysusers.service"
        "local-fs.target"
      ];
    };

  # Units that the kernel and systemd's generators make, with the units that they wait for.
  earlyByName =
    unit:
    if lib.hasPrefix "systemd-cryptsetup@" unit then
      [ "cryptsetup-pre.target" ]
    else if lib.hasPrefix "systemd-fsck@" unit then
      [ "local-fs-pre.target" ]
    else if lib.hasSuffix ".device" unit || lib.hasSuffix ".swap" unit then
      [ ]
    else
      null;

  # The targets that ordinary units wait for, with the units that these targets wait for.
  milestones = {
    "sysinit.target" = lib.attrNames earlyUnits;
    "basic.target" = [
      "sysinit.target"
      "sockets.target"
      "paths.target"
    ];
  };
}
