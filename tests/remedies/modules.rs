//! What the modules ask for. `tests/nix/remedies.nix` evaluates each configuration before and after; here the options that are named
//! are looked up.

use crate::{Row, named};

const EVALUATED: &str = "a configuration is mended by editing it; tests/nix/remedies.nix evaluates it before and after";

const SAID: &str = "tests/nix/cases has a configuration of which it is said, and the same without";

pub const ROWS: &[Row] = &[
    named("write the whole path, from / on.", SAID, &["sops.secrets.<name>.path"]),
    named("of ${unit}: write that.", SAID, &["sops.secrets.<name>.restartUnits"]),
    named(
        "$key leads to itself: remove it",
        "a script says it, and tests/nix/scripts.sh runs that",
        &["sops.age.generateKey"],
    ),
    named("and would wait for it with this: remove it.", SAID, &["sops-nix.service"]),
    named("may start without: add _netdev to ${option}.", EVALUATED, &[]),
    named("set systemd.services.${newName} instead.", SAID, &["sops-nix.service"]),
    named(
        "has neither an owner nor a uid, both are null: set one of them",
        EVALUATED,
        &["sops.secrets.<name>.owner", "sops.secrets.<name>.uid"],
    ),
    named(
        "has neither a group nor a gid, both are null: set one of them",
        EVALUATED,
        &["sops.secrets.<name>.group", "sops.secrets.<name>.gid"],
    ),
    named(
        "write the path without quotes, or set sops.validateSopsFiles to false.",
        EVALUATED,
        &["sops.validateSopsFiles"],
    ),
    named(
        "have one path, ${place.path}: set path of all but one to another place.",
        EVALUATED,
        &["sops.secrets.<name>.path"],
    ),
    named(
        "are one file, ${file place}: set name of all but one to another name.",
        EVALUATED,
        &["sops.secrets.<name>.name"],
    ),
    named(
        "There is no key to open the sops files with: set ${keyOptions}.",
        EVALUATED,
        &["sops.age.keyFile", "sops.age.sshKeyPaths"],
    ),
    named(
        "exclude each other: set sops.gnupg.sshKeyPaths to [ ], or sops.gnupg.home to null.",
        EVALUATED,
        &["sops.gnupg.sshKeyPaths", "sops.gnupg.home"],
    ),
    named(
        "does not know which file to make: set sops.age.keyFile.",
        EVALUATED,
        &["sops.age.keyFile", "sops.age.generateKey"],
    ),
    named(
        "has an owner and a uid: leave uid at 0, or set owner to null.",
        EVALUATED,
        &["sops.secrets.<name>.owner", "sops.secrets.<name>.uid"],
    ),
    named(
        "has a group and a gid: leave gid at 0, or set group to null.",
        EVALUATED,
        &["sops.secrets.<name>.group", "sops.secrets.<name>.gid"],
    ),
    named(
        "remove its owner, group, uid and gid.",
        EVALUATED,
        &["sops.secrets.<name>.neededForUsers"],
    ),
    named(
        "set sops.secrets.${lib.strings.escapeNixIdentifier secretName}.${phase.option}.",
        EVALUATED,
        &[
            "sops.secrets.<name>.neededForUsers",
            "sops.secrets.<name>.neededForFileSystems",
        ],
    ),
    named(
        "once more under another name, with ${phase.option}, and use that.",
        EVALUATED,
        &["sops.secrets.<name>.neededForFileSystems"],
    ),
    named(
        "remove one of them, and declare it once more under another name for the other.",
        EVALUATED,
        &[
            "sops.secrets.<name>.neededForUsers",
            "sops.secrets.<name>.neededForFileSystems",
        ],
    ),
    named(
        "set ${option}.neededForFileSystems to true",
        EVALUATED,
        &["sops.secrets.<name>.neededForFileSystems"],
    ),
    named(
        "declare the secret with neededForFileSystems, and name its path in",
        EVALUATED,
        &["sops.secrets.<name>.neededForFileSystems"],
    ),
    named(
        "have that disk opened or mounted after the initrd, with a secret that is neededForFileSystems.",
        EVALUATED,
        &["sops.secrets.<name>.neededForFileSystems"],
    ),
    named(
        "hides the link: choose a path on another file system.",
        EVALUATED,
        &["sops.secrets.<name>.path"],
    ),
    named(
        "set users.mutableUsers to true, or use services.userborn.enable.",
        EVALUATED,
        &[],
    ),
    named(
        "set services.userborn.enable to true.",
        EVALUATED,
        &["sops.age.keyCredential"],
    ),
    named(
        "set sops.useSystemdActivation to true.",
        EVALUATED,
        &["sops.useSystemdActivation"],
    ),
    named(
        "nobody will be told when this secret changes",
        EVALUATED,
        &["sops.secrets.<name>.restartUnits"],
    ),
    named(
        ".neededForBoot, or sops.useSystemdActivation.",
        EVALUATED,
        &["sops.useSystemdActivation"],
    ),
    named(".neededForBoot.", EVALUATED, &[]),
    named(".neededForBoot to true.", EVALUATED, &[]),
    named(
        "remove that line, or set it to true.",
        EVALUATED,
        &["sops.useSystemdActivation"],
    ),
    named("is in the deps of ${waiting}", EVALUATED, &["sops-nix.service"]),
    named("although setupSecrets is in its deps", EVALUATED, &["sops-nix.service"]),
    named("remove that text.", EVALUATED, &["sops.useSystemdActivation"]),
    named("declare it in fileSystems instead of systemd.mounts, and", SAID, &[]),
    named(
        "so that ${without}: remove that ExecStart",
        SAID,
        &["sops-nix-for-users.service", "sops-nix-for-file-systems.service"],
    ),
    named(
        "in users.users to take the group from; set ${what}.group",
        EVALUATED,
        &["sops.secrets.<name>.group"],
    ),
    named(
        "set systemd.services.sops-nix.before = [ \"sysinit.target",
        SAID,
        &["sops-nix.service"],
    ),
    named(
        "set sops.gnupg.home to null and sops.gnupg.sshKeyPaths to [ ].",
        SAID,
        &["sops.gnupg.home", "sops.gnupg.sshKeyPaths"],
    ),
    named(
        "set sops.gnupg.qubes-split-gpg.domain.",
        SAID,
        &["sops.gnupg.qubes-split-gpg.domain"],
    ),
];
