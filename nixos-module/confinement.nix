# What a unit that handles secrets may do, and why. A host that needs more sets it in `systemd.services.sops-nix.serviceConfig`: lists are merged, and
# every other value here is a default.
#
# These settings cannot be used:
#   PrivateTmp            orders the unit after systemd-tmpfiles-setup.service, which starts after the users are created: a cycle with the early secrets
#   PrivateDevices        systemd (252, for one) prepares the devices in /tmp, which systemd-tmpfiles-setup.service may be cleaning at that moment
#   TemporaryFileSystem   makes the unit fail in a container that forbids mounts; other settings are only ignored there
#   ProtectHome           links of secrets, and keys, may be in somebody's home
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
  # Seconds that commands of the configuration may take before the installation, and again after it. null if there are none.
  hookSeconds,
  # Seconds that a program may take for one answer about a key.
  keyTimeout,
  # The largest size in MiB of a sops file, of all secrets, and of all templates.
  maxSize,
  # Whether it makes hashes by yescrypt.
  hasYescrypt,
  # Whether templates have checks, which are commands of the configuration.
  hasChecks,
  # Directories below which the unit may write.
  roots,
  # Whether a boot screen shows what is waited for.
  hasBootScreen,
}:

let
  # We do not know what age plugins, gpg and key commands do, so they get all devices and system calls that they may need.
  onlyOurs = !keySources.needPrograms;

  hasHooks = hookSeconds != null;
  hooks = if hasHooks then hookSeconds else 0;
in
{
  # CHOWN, FOWNER, and FSETID (for set-group-id) set owners and modes of files. DAC_* reach keys and homes that belong to other users. Mounting needs no
  # capability here: an earlier step of the unit does it.
  CapabilityBoundingSet = [
    "CAP_CHOWN"
    "CAP_DAC_OVERRIDE"
    "CAP_DAC_READ_SEARCH"
    "CAP_FOWNER"
    "CAP_FSETID"
  ];

  # The system is read-only, except for the places of secrets and of their links. Places that an earlier configuration used are
  # included.
  ReadWritePaths = map (root: unitPath.quoted "-${root}") (lib.remove "/" roots);

  # AF_UNIX is for the journal, systemd and name lookups. AF_NETLINK is how programs find a key in a USB port.
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
    # Neither the installer nor its children can gain privileges, by a set-uid program for instance.
    NoNewPrivileges = true;

    # `/` is among the roots if a secret has a link in the root directory itself. Then nothing can be read-only.
    ProtectSystem = if lib.elem "/" roots then false else "strict";

    # /tmp is read-only too. gpg and plugins get a directory of their own in TMPDIR, which is removed with the unit.
    RuntimeDirectory = "${name}-tmp";
    RuntimeDirectoryMode = "0700";

    # Root can write cgroups and kernel settings without any capability.
    ProtectControlGroups = true;
    ProtectKernelTunables = true;

    # Secrets stay on this machine, unless a key comes over the network. The boot screen listens at an abstract socket of the system's network, so with
    # one, the address families alone keep the unit from other machines.
    PrivateNetwork = !keySources.needNetwork && !hasBootScreen;

    # Plaintext must not reach the disk, neither by swap nor by a core dump.
    MemorySwapMax = 0;
    # While a file is decrypted, the memory holds four times the largest file, the secrets kept so far, an older generation, and programs that hold keys.
    # Later it holds an older generation, and all secrets and templates twice: once in the installer and once in the new generation, whose pages count for
    # the unit that writes them. Hashes by yescrypt need 16 MiB besides, one after the other. Checks of templates run in the unit, too.
    MemoryMax = "${
      toString (8 * maxSize + (if hasYescrypt then 32 else 0) + (if hasChecks then 512 else 0))
    }M";
    LimitCORE = 0;
    UMask = "0077";

    TimeoutStartSec = "${
      toString (import ./deadline.nix { inherit keyTimeout hasChecks; } + 2 * hooks)
    }s";
  }
  // lib.optionalAttrs onlyOurs {
    RestrictNamespaces = true;
    MemoryDenyWriteExecute = true;
    SystemCallArchitectures = "native";
    SystemCallFilter = [
      "@system-service"
      # The installer uses these to confine its decrypting thread further.
      "landlock_create_ruleset"
      "landlock_restrict_self"
      "seccomp"
    ];
    # An attempt to mount gets an error instead of a signal, so that the installer can report what it could not do.
    SystemCallErrorNumber = "EPERM";
  }
  # After a failed installation, systemd runs the commands while it stops the unit.
  // lib.optionalAttrs hasHooks { TimeoutStopSec = "${toString (hooks + 5)}s"; }
  # With this, the unit can use only /dev/null and the like. systemd decrypts a credential of the unit under the same rule. If a
  # rule keeps systemd from the TPM, systemd asks a service to decrypt the credential. That service may not run yet so early in the
  # boot. So the rule is left out if the TPM may be needed. It would hold commands of the configuration as well, which may open a disk.
  // lib.optionalAttrs (onlyOurs && !keySources.mayNeedTpm && !hasHooks) { DevicePolicy = "closed"; }
)
