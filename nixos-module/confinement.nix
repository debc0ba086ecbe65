# What a unit that handles secrets may do, and why. A host that needs more says so in `systemd.services.sops-nix.serviceConfig`:
# lists add up, and every other value here is a default.
#
# What cannot be here:
#   PrivateTmp            orders a unit after systemd-tmpfiles-setup.service, which comes after the users: a cycle with the early secrets
#   PrivateDevices        systemd (252, for one) prepares it in /tmp, which systemd-tmpfiles-setup.service may be cleaning at that moment
#   TemporaryFileSystem   makes the unit fail in a container that forbids mounts, where the other settings are only ignored
#   ProtectHome           secrets may have links in somebody's home, and keys may lie there
#   RestrictSUIDSGID      the mode of a secret may have these bits
#   DynamicUser, User     files get owners, and keys belong to root
{ lib }:

let
  unitPath = import ./unit-path.nix { inherit lib; };
in

{
  # Name of the unit, without suffix.
  name,
  # `needNetwork`, `needPrograms` and `mayNeedTpm` of key-sources.nix.
  keySources,
  # Seconds that a program may take for one answer about a key.
  keyTimeout,
  # MiB that a sops file may have, all secrets, and all templates.
  maxSize,
  # Directories that the unit writes below.
  roots,
}:

let
  # age plugins, gpg and key commands are programs that nobody here has read: they get the devices and system calls that they may need.
  onlyOurs = !keySources.needPrograms;
in
{
  # Owners and modes of files (CHOWN, FOWNER, FSETID for set-group-id), and keys and homes that belong to others (DAC_*).
  # Mounting is not among them: it is done before, in a step of its own.
  CapabilityBoundingSet = [
    "CAP_CHOWN"
    "CAP_DAC_OVERRIDE"
    "CAP_DAC_READ_SEARCH"
    "CAP_FOWNER"
    "CAP_FSETID"
  ];

  # Open in an otherwise read-only system are the places of secrets and their links, also of links that an earlier configuration made.
  ReadWritePaths = map (root: unitPath.quoted "-${root}") (lib.remove "/" roots);

  # AF_UNIX: the journal, systemd, name lookups. AF_NETLINK: how programs find a key in a USB port.
  RestrictAddressFamilies = [
    "AF_UNIX"
  ]
  ++ lib.optional (!onlyOurs) "AF_NETLINK"
  ++ lib.optionals keySources.needNetwork [
    "AF_INET"
    "AF_INET6"
  ];
}
// lib.mapAttrs (_: lib.mkDefault) (
  {
    # Neither the installer nor what it starts may gain what it does not have, by a set-uid program for instance.
    NoNewPrivileges = true;

    # A `/` among the roots, for a secret's link in the root directory itself, leaves nothing to protect.
    ProtectSystem = if lib.elem "/" roots then false else "strict";

    # /tmp is read-only with the rest. gpg and plugins find a directory of their own in TMPDIR, which goes with the unit.
    RuntimeDirectory = "${name}-tmp";
    RuntimeDirectoryMode = "0700";

    # cgroups and kernel settings can be written by root without any capability.
    ProtectControlGroups = true;
    ProtectKernelTunables = true;

    # Secrets stay on this machine, unless a key service has to be asked.
    PrivateNetwork = !keySources.needNetwork;

    # Plaintext must reach the disk neither by swap nor by a core dump.
    MemorySwapMax = 0;
    # While a file is decrypted: four times the largest; the secrets that are kept; an older generation; programs that know keys. Later: secrets
    # and templates, once in the installer and once in the generation, whose pages count for the unit that writes them; an older generation.
    MemoryMax = "${toString (8 * maxSize)}M";
    LimitCORE = 0;
    UMask = "0077";

    TimeoutStartSec = "${toString (import ./deadline.nix { inherit keyTimeout; })}s";
  }
  // lib.optionalAttrs onlyOurs {
    RestrictNamespaces = true;
    MemoryDenyWriteExecute = true;
    SystemCallArchitectures = "native";
    SystemCallFilter = [
      "@system-service"
      # With these the installer takes still more from its thread that decrypts.
      "landlock_create_ruleset"
      "landlock_restrict_self"
      "seccomp"
    ];
    # An attempt to mount gets an answer instead of a signal, so that the installer can say what it could not do.
    SystemCallErrorNumber = "EPERM";
  }
  # Only /dev/null and its like. systemd decrypts a credential under the same rule, and where any rule at all stands between it and the TPM
  # it asks a service that so early in boot may not be there.
  // lib.optionalAttrs (onlyOurs && !keySources.mayNeedTpm) { DevicePolicy = "closed"; }
)
