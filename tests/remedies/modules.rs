//! The remedies that the modules print. `tests/nix/remedies.nix` evaluates each configuration before and after the remedy. Here,
//! the test only checks that the options in the remedies exist.

use crate::{Row, named};

const EVALUATED: &str = "a configuration is mended by editing it; tests/nix/remedies.nix evaluates it before and after";

const SAID: &str = "tests/nix/cases has a configuration of which it is said, and the same without";

pub const ROWS: &[Row] = &[
    named(
        "may mean that it has one: set sops.noKeyAtFirstBoot to false.",
        EVALUATED,
        &["sops.noKeyAtFirstBoot"],
    ),
    named(
        "sops.noKeyAtFirstBoot works only if a unit installs the secrets",
        EVALUATED,
        &["sops.noKeyAtFirstBoot", "sops.useSystemdActivation"],
    ),
    named(
        "but nothing says which file may come late: set sops.age.keyFile.",
        EVALUATED,
        &["sops.age.keyFileMayComeLate", "sops.age.keyFile"],
    ),
    named(
        "so it does not come late: set sops.age.keyFileMayComeLate to false.",
        EVALUATED,
        &["sops.age.generateKey", "sops.age.keyFileMayComeLate"],
    ),
    named(
        "remove it from sops.after, and name the units that need these secrets in sops.secrets.<name>.neededBy.",
        EVALUATED,
        &["sops.after", "sops.secrets.<name>.neededBy"],
    ),
    named(
        "but only a key service could open its sops file: encrypt the file to an age key of this host, too.",
        EVALUATED,
        &["sops.secrets.<name>.neededForUsers", "sops.keyServices.enable"],
    ),
    named(
        "so it cannot wait for key services: let an age key of this host open the sops file, name it in sops.hostRecipients, and remove",
        EVALUATED,
        &["sops.secrets.<name>.neededBy"],
    ),
    named(
        "sops.hostRecipients has:",
        "tests/keys adds a recipient and updates the keys; of a file that the host opens, the case one-that-opens says nothing",
        &["sops.hostRecipients"],
    ),
    named(
        "add one, as sops-nix keys --nix prints it on the host",
        EVALUATED,
        &["sops.hostRecipients"],
    ),
    named(
        "write public keys only, as sops-nix keys --nix prints them on the host",
        EVALUATED,
        &["sops.hostRecipients"],
    ),
    named(
        "reads the file by EnvironmentFile=: set it to",
        EVALUATED,
        &["sops.secrets.<name>.as", "sops.templates.<name>.as"],
    ),
    named(
        "systemd.services has no ${service}: correct the name.",
        EVALUATED,
        &["sops.credentials"],
    ),
    named(
        "which is never started itself: name an instance",
        EVALUATED,
        &["sops.credentials"],
    ),
    named(
        "a credential's name becomes the name of a file: use letters",
        EVALUATED,
        &["sops.credentials"],
    ),
    named(
        "but sops.secrets has no such secret: correct the name",
        EVALUATED,
        &["sops.credentials"],
    ),
    named(
        "so it cannot get ${secret}: remove that order",
        EVALUATED,
        &["sops.credentials"],
    ),
    named(
        "remove that order, or remove ${unit} from sops.before.",
        EVALUATED,
        &["sops.before"],
    ),
    named(
        "for the secrets that a disk or file system needs, and remove ${unit} from sops.before.",
        EVALUATED,
        &["sops.before", "sops.secrets.<name>.neededForFileSystems"],
    ),
    named(
        "starts only after ${installerOf phase}: remove that order, or remove ${unit} from sops.after.",
        EVALUATED,
        &["sops.after"],
    ),
    named(
        "whose order is fixed: remove ${unit} from sops.${option}.",
        EVALUATED,
        &["sops.after", "sops.before"],
    ),
    named(
        "nothing is ordered ${option} it: correct the name.",
        EVALUATED,
        &["sops.after", "sops.before"],
    ),
    named(
        "set sops.age.generateKey to false, and let sops.preInstall make the key.",
        EVALUATED,
        &["sops.age.generateKey", "sops.preInstall"],
    ),
    named(
        "need it, set systemd.services.sops-nix.after and systemd.services.sops-nix.wants instead of sops.after.",
        EVALUATED,
        &["sops.after"],
    ),
    named("write the whole path, from / on.", SAID, &["sops.secrets.<name>.path"]),
    named("write ${quadletUnit unit}.", SAID, &["sops.secrets.<name>.restartUnits"]),
    named(
        "$key is a symlink that leads to itself: remove it",
        "a script says it, and tests/nix/scripts.sh runs that",
        &["sops.age.generateKey"],
    ),
    named(
        "With it, ${newName}.service would wait for sysinit.target",
        SAID,
        &["sops-nix.service"],
    ),
    named("may start without the secret: add _netdev to ${option}.", EVALUATED, &[]),
    named(
        "add nofail to ${option}, or remove the setting that makes the file system wait, and set neededForFileSystems to true",
        EVALUATED,
        &["sops.secrets.<name>.neededForFileSystems"],
    ),
    named(
        "write the lines of crypttab in environment.etc.crypttab.text",
        EVALUATED,
        &["sops.secrets.<name>.neededForFileSystems"],
    ),
    named(
        "to see how it is mounted and who owns it, run: ${showMount}; ls -ld $written",
        "a script says it, and tests/nix/scripts.sh runs that",
        &[],
    ),
    named(
        "to see whether the disk is full, run: df $written",
        "a script says it, and tests/nix/scripts.sh runs that",
        &[],
    ),
    named("move these commands to a unit of their own", SAID, &[]),
    named("set systemd.services.${newName} instead.", SAID, &["sops-nix.service"]),
    named(
        "${option}.uid are both null: set one of them.",
        EVALUATED,
        &["sops.secrets.<name>.owner", "sops.secrets.<name>.uid"],
    ),
    named(
        "${option}.gid are both null: set one of them.",
        EVALUATED,
        &["sops.secrets.<name>.group", "sops.secrets.<name>.gid"],
    ),
    named(
        "after a change: name the instances.",
        SAID,
        &["sops.secrets.<name>.restartUnits"],
    ),
    named(
        "which is not in sops.secrets: declare it, or correct the name.",
        EVALUATED,
        &["sops.envFiles"],
    ),
    named("write a name such as DB_PASSWORD.", EVALUATED, &["sops.envFiles"]),
    named(
        "is set, so it has no filters: remove that definition",
        "tests/nix/errors.nix has it",
        &["sops.placeholder"],
    ),
    named(
        "set ${option}.as to \\\"value\\\" or to null.",
        EVALUATED,
        &["sops.secrets.<name>.as"],
    ),
    named(
        "set ${option}.key, and in a file that is neither YAML nor JSON also ${option}.as = \\\"value\\\".",
        EVALUATED,
        &["sops.secrets.<name>.as", "sops.secrets.<name>.key"],
    ),
    named(
        "is no directory of a secret or template: write the beginning of their names",
        EVALUATED,
        &["sops.directories", "sops.directories.<name>.mode"],
    ),
    named(
        "set a mode such as \\\"0700\\\", \\\"0750\\\" or \\\"0755\\\".",
        EVALUATED,
        &["sops.directories.<name>.mode"],
    ),
    named(
        ", and to let others in, set ${option}.group and ${option}.mode",
        EVALUATED,
        &["sops.directories.<name>.group", "sops.directories.<name>.mode"],
    ),
    named(
        "remove sops.directories.${lib.strings.escapeNixIdentifier name}.group, ",
        EVALUATED,
        &["sops.directories.<name>.group", "sops.secrets.<name>.name"],
    ),
    named(
        "set format to that of the file, ",
        EVALUATED,
        &["sops.secrets.<name>.format", "sops.templates.<name>.as"],
    ),
    named(
        "write the path without quotes, or set sops.validateSopsFiles to false.",
        EVALUATED,
        &["sops.validateSopsFiles"],
    ),
    named(
        "have the same path, ${place.path}: set another path for all but one.",
        EVALUATED,
        &["sops.secrets.<name>.path"],
    ),
    named(
        "would be the same file, ${file place}: set another name for all but one.",
        EVALUATED,
        &["sops.secrets.<name>.name"],
    ),
    named(
        "There is no key to open the sops files with: set ${keyOptions}.",
        EVALUATED,
        &["sops.age.keyFile", "sops.age.sshKeyPaths"],
    ),
    named(
        "cannot both be set: set sops.gnupg.sshKeyPaths to [ ], or sops.gnupg.home to null.",
        EVALUATED,
        &["sops.gnupg.sshKeyPaths", "sops.gnupg.home"],
    ),
    named(
        "the program that asks key services exists only for Linux: set it to false on this host.",
        EVALUATED,
        &["sops.keyServices.enable"],
    ),
    named(
        "give this host a key of its own for each sops file, or set sops.keyServices.enable to false if the variables are for something else.",
        "the modules say it on macOS alone; tests/nix evaluates it there, with and without the option",
        &["sops.keyServices.enable"],
    ),
    named(
        "nothing says which file to make: set sops.age.keyFile.",
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
        "set sops.secrets.${lib.strings.escapeNixIdentifier secretName}.${phase.option} to true.",
        EVALUATED,
        &[
            "sops.secrets.<name>.neededForUsers",
            "sops.secrets.<name>.neededForFileSystems",
        ],
    ),
    named(
        "again under another name with ${phase.option}, and use that.",
        EVALUATED,
        &["sops.secrets.<name>.neededForFileSystems"],
    ),
    named(
        "set only one of the two, and if both are needed, declare it under two names.",
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
        "declare the secret with neededForFileSystems, and use its path in",
        EVALUATED,
        &["sops.secrets.<name>.neededForFileSystems"],
    ),
    named(
        "open or mount that disk after the initrd, with a secret that has neededForFileSystems.",
        EVALUATED,
        &["sops.secrets.<name>.neededForFileSystems"],
    ),
    named(
        "set copyToDisk to true.",
        SAID,
        &["sops.secrets.<name>.copyToDisk", "sops.templates.<name>.copyToDisk"],
    ),
    named(
        "but copies are made only on Linux: set it to",
        SAID,
        &["sops.secrets.<name>.install"],
    ),
    named(
        "and hides the ${install}: choose a path on another file system.",
        EVALUATED,
        &["sops.secrets.<name>.path"],
    ),
    named(
        "set users.mutableUsers to true, or set services.userborn.enable to true.",
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
        "it is not restarted or reloaded after a change",
        EVALUATED,
        &["sops.secrets.<name>.restartUnits"],
    ),
    named(
        ".neededForBoot to true, or set sops.useSystemdActivation",
        EVALUATED,
        &["sops.useSystemdActivation"],
    ),
    named(".neededForBoot to true.", EVALUATED, &[]),
    named(
        "remove that line, or set it to true.",
        EVALUATED,
        &["sops.useSystemdActivation"],
    ),
    named("is in the deps of ${waiting}", EVALUATED, &["sops-nix.service"]),
    named("although setupSecrets is in its deps", EVALUATED, &["sops-nix.service"]),
    named(
        "although setupSecretsForUsers is in its deps",
        SAID,
        &["sops-nix-for-users.service"],
    ),
    named("remove that text.", EVALUATED, &["sops.useSystemdActivation"]),
    named(
        "declare ${fs.mountPoint} in fileSystems, not in systemd.mounts, and",
        SAID,
        &[],
    ),
    named(
        "and ${without}: remove that ExecStart",
        SAID,
        &["sops-nix-for-users.service", "sops-nix-for-file-systems.service"],
    ),
    named(
        "but users.users has no such user to take the group from: set ${what}.group",
        EVALUATED,
        &["sops.secrets.<name>.group"],
    ),
    named("set systemd.services.sops-nix.before = [", SAID, &["sops-nix.service"]),
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
    named("which keeps credentials: set sops.age.keyFile.", SAID, &["sops.age.keyFile"]),
    named(
        "has neededForUsers, but nix-darwin sets no passwords of users: remove neededForUsers on this host.",
        SAID,
        &["sops.secrets.<name>.neededForUsers"],
    ),
    named(
        "macOS is no qube of Qubes OS: set it to false on this host.",
        SAID,
        &["sops.gnupg.qubes-split-gpg.enable"],
    ),
    named(
        "has restartUnits or reloadUnits, but macOS has no systemd: remove them on this host.",
        SAID,
        &["sops.secrets.<name>.restartUnits", "sops.secrets.<name>.reloadUnits"],
    ),
];
