# What a unit that handles secrets may do, and why. Every value is a default: a host that needs more says so in
# `systemd.services.sops-nix.serviceConfig`, without `lib.mkForce`.
#
# What cannot be here:
#   PrivateTmp         orders a unit after systemd-tmpfiles-setup.service, which is after the users: a cycle with the early secrets
#   ProtectHome        secrets may have links in somebody's home, and keys may lie there
#   RestrictSUIDSGID   the mode of a secret may have these bits
#   DynamicUser, User  files get owners, and keys belong to root
{ lib }:

{
  # `needNetwork` and `needPrograms` of key-sources.nix.
  keySources,
  # Directories that the unit writes below.
  roots,
  # Whether something that the unit has to see or to make lies in a directory for temporary files.
  usesTmp,
}:

let
  # age plugins, gpg and key commands are programs that nobody here has read: they get the devices and system calls that they may need.
  onlyOurs = !keySources.needPrograms;
in
lib.mapAttrs (_: lib.mkDefault) (
  {
    # Neither the installer nor what it starts may gain what it does not have, by a set-uid program for instance.
    NoNewPrivileges = true;

    # Owners and modes of files (CHOWN, FOWNER, FSETID for set-group-id), and keys and homes that belong to others (DAC_*).
    # Mounting is not among them: it is done before, in a step of its own.
    CapabilityBoundingSet = [
      "CAP_CHOWN"
      "CAP_DAC_OVERRIDE"
      "CAP_DAC_READ_SEARCH"
      "CAP_FOWNER"
      "CAP_FSETID"
    ];

    # The system is read-only; open are the places of secrets and their links, also of links that an earlier configuration made.
    # A `/` among them leaves nothing to protect.
    ProtectSystem = if lib.elem "/" roots then false else "strict";
    ReadWritePaths = map (root: "-${root}") (lib.remove "/" roots);

    # cgroups and kernel settings can be written by root without any capability.
    ProtectControlGroups = true;
    ProtectKernelTunables = true;

    # Reads and writes of secrets stay on this machine, unless a key service has to be asked.
    PrivateNetwork = !keySources.needNetwork;
    # AF_UNIX: the journal, systemd, name lookups. AF_NETLINK: how programs find a key in a USB port.
    RestrictAddressFamilies =
      [ "AF_UNIX" ]
      ++ lib.optional (!onlyOurs) "AF_NETLINK"
      ++ lib.optionals keySources.needNetwork [
        "AF_INET"
        "AF_INET6"
      ];

    # Plaintext must reach the disk neither by swap nor by a core dump.
    MemorySwapMax = 0;
    LimitCORE = 0;
    UMask = "0077";

    # A key that never answers must not hold up the boot for ever.
    TimeoutStartSec = "90s";
  }
  // lib.optionalAttrs (!usesTmp) {
    # Temporary files of gpg and plugins are nobody else's, and gone afterwards.
    TemporaryFileSystem = [
      "/tmp:mode=1777"
      "/var/tmp:mode=1777"
    ];
  }
  // lib.optionalAttrs onlyOurs {
    PrivateDevices = true;
    RestrictNamespaces = true;
    MemoryDenyWriteExecute = true;
    SystemCallArchitectures = "native";
    SystemCallFilter = [ "@system-service" ];
    # An attempt to mount gets an answer instead of a signal, so that the installer can say what it could not do.
    SystemCallErrorNumber = "EPERM";
  }
)
