//! The remedies that the command `sops-nix` prints. The cases below `tests/messages/cases/sops-nix-*` type each remedy after the
//! failure for which it is printed.

use crate::{Row, named};

pub const ROWS: &[Row] = &[
    named(
        "to see what the last runs said, run: tail /var/log/sops-nix.log ~/Library/Logs/SopsNix/stderr",
        "this is said on macOS; src/command/run.rs says of which commands",
        &["sops.logFile"],
    ),
    named("name a file with one", "every other case of sops-nix convert does", &[]),
    named("name a file with such a key", "the case identity-file does so first", &[]),
    named(
        "name a new file; to have all keys in one file, append the new file to the old one",
        "the case identity-file names a new file",
        &[],
    ),
    named(
        "give each a file of its own",
        "the case private-keys has each in a file of its own",
        &[],
    ),
    named(
        "its public key gives the same recipients; to convert that key, run: sops-nix convert",
        "the case passphrase types it",
        &[],
    ),
    named(
        "its public key gives the same recipients; to convert that key, run: ssh-keygen -y -f",
        "the case files-of-public-keys types it",
        &[],
    ),
    named(
        "its public key gives the same recipients; to convert that key, run: chmod 600",
        "the case passphrase-and-mode types it about a key without a passphrase",
        &[],
    ),
    named(
        "set XDG_CONFIG_HOME to an absolute path, or unset it",
        "the other cases of sops-nix init do not set it",
        &[],
    ),
    named(
        "look at how it is mounted, with findmnt, and whether its server answers",
        "there is no file system here whose server could come back",
        &[],
    ),
    named(
        "rename the file; if anybody else has read it, replace the key",
        "the case files-of-public-keys renames it",
        &[],
    ),
    named(
        "write it below age in .sops.yaml",
        "tests/interop/rules.rs has files .sops.yaml with recipients below age",
        &[],
    ),
    named(
        "to print the key as a line, which can be converted, run: ssh-keygen -i",
        "the case other-forms types it",
        &[],
    ),
    named(
        "to print their recipients, run: age-keygen -y",
        "the case identity-file types it about a file of identities",
        &[],
    ),
    named(
        "write the key to a file, and give the path of that file",
        "the cases passphrase and other-forms name a file, and are told what to type",
        &[],
    ),
    named(
        "mkdir -p ~/.config/sops/age && age-keygen -o ~/.config/sops/age/keys.txt",
        "the case own has a key there, which is found",
        &[],
    ),
    named(
        "name an ssh-ed25519 key, or an ssh-rsa key of 2048 bits or more",
        "the case public-keys names both",
        &[],
    ),
    named("leave out --to", "every case of sops-nix keys without it does", &[]),
    named("leave out --input-type", "every other case of sops-nix inspect does", &[]),
    named(
        "restore the key, or name another one",
        "the cases of sops-nix convert name keys that are whole",
        &[],
    ),
    named(
        "look for the recipient in a comment near the line, or ask the plugin",
        "only the plugin knows the recipient",
        &[],
    ),
    named("correct its path", "every other case names a file that is there", &[]),
    named(
        "ask the owner of the file for the right to read it",
        "every other case names a file that may be read",
        &[],
    ),
    named(
        "to write one, run: sops-nix init",
        "the cases of sops-nix init type it, and then the check",
        &[],
    ),
    named(
        "to name one, run: ssh-keyscan HOST | sops-nix init --host -",
        "the case pipe types it with what ssh-keyscan prints",
        &[],
    ),
    named(
        "to name this host, make its SSH key, and begin again; to make the key, run as root: ssh-keygen -A",
        "the case the-key-of-this-host types it, and begins again",
        &[],
    ),
    named("name one such as secrets/web.yaml", "the case pipe names one", &[]),
    named(
        "install it; with Nix, run: nix shell nixpkgs#sops",
        "the other cases of sops-nix init find sops",
        &[],
    ),
    named(
        "to name its recipient, run: sops-nix init --recipient RECIPIENT",
        "the case named-recipients types it",
        &[],
    ),
    named(
        "name a whole one, which begins with age1 or ssh-",
        "the case named-recipients names two",
        &[],
    ),
    named("if nobody needs this file, run: rm {}", "the case failures types it", &[]),
    named(
        "add them to its rule",
        "in the case rules-that-are-kept, those that are in it are not remarked on",
        &[],
    ),
    named(
        "keep a copy of the key in a safe place",
        "a copy of a key is made by whoever has it",
        &[],
    ),
    named("sops edit {file_word}", "the case overwritten-after-a-yes types it", &[]),
    named("After a change, run: sops-nix check", "the case pipe types it", &[]),
    named(
        "remove it, or name another file",
        "the other cases of sops-nix init name a file",
        &[],
    ),
    named("set HOME", "the other cases of sops-nix init set it", &[]),
    named(
        "add one with the recipients; to print those of this host, run: sops-nix keys",
        "the other cases of sops-nix check have rules; the cases of sops-nix keys type it",
        &[],
    ),
    named(
        "add recipients to that rule",
        "the other cases of sops-nix check have rules with recipients",
        &[],
    ),
    named(
        "add recipients to that group, or remove the group",
        "the other cases of sops-nix check have groups with recipients",
        &[],
    ),
    named(
        "no command takes one; give the name of the file that has it",
        "the cases of sops-nix convert and keys name files with private keys",
        &[],
    ),
    named(
        "if the rule is wrong, correct it; if it is right, also about what stays in the clear, {}",
        "tests/interop/rules.rs types the command; the other cases of sops-nix check have right rules",
        &[],
    ),
    named(
        "correct that field",
        "the other cases of sops-nix check have fields of the right types",
        &[],
    ),
    named(
        "correct that recipient; to print the recipients of this host",
        "tests/interop/rules.rs encrypts to all recipients that are not named",
        &[],
    ),
    named(
        "replace it by its recipient",
        "the other cases of sops-nix check have recipients",
        &[],
    ),
    named(
        "remove all but one of them in a text editor",
        "tests/interop/rules.rs does so, and types the command for a file that was encrypted like this",
        &[],
    ),
    named(
        "remove all but one from that rule",
        "the other cases of sops-nix check have rules with one such field",
        &[],
    ),
    named(
        "set shamir_threshold to a number from 2 to {count}",
        "tests/interop/rules.rs encrypts by rules with such a number",
        &[],
    ),
    named(
        "correct the file",
        "the other cases of sops-nix check have rules without a fault",
        &[],
    ),
    named(
        "correct the pattern",
        "the other cases of sops-nix check have sound patterns",
        &[],
    ),
    named(
        "add a rule whose path_regex matches it",
        "the other cases of sops-nix check have one",
        &[],
    ),
    named(
        "sops encrypt --filename-override",
        "tests/interop/rules.rs types all commands of the check",
        &[],
    ),
    named(
        "sops exec-file",
        "tests/interop/rules.rs types all commands of the check",
        &[],
    ),
    named(
        "cd {} && ",
        "the case nested goes there; tests/interop/rules.rs types all commands of the check",
        &[],
    ),
    named(
        "switch to the configuration again",
        "only Nix makes a manifest that is gone; every other case has one",
        &[],
    ),
    named(
        "import the module into its configuration, declare a secret, and switch",
        "the tests of the modules do so",
        &[],
    ),
    named(
        "repair what the last run failed at, and {switch}run: {again}",
        "the record repeats the remedies of that run",
        &["sops-nix.service"],
    ),
    named(
        "to install all, run: {again}",
        "every case of a healthy host has been installed in this way",
        &["sops-nix.service"],
    ),
    named(
        "switch, or if no file of the configuration has changed, ",
        "only Nix puts a file into its store",
        &[],
    ),
    named(
        "systemctl --user --machine={}@ restart sops-nix",
        "there is no service manager of a user here",
        &["sops-nix.service"],
    ),
    named(
        "run as root: sops-nix doctor",
        "the cases of sops-nix doctor are run by root",
        &[],
    ),
    named(
        "run as root: sops-nix plan",
        "the cases of sops-nix plan are run by root",
        &[],
    ),
    named(
        "run as root: sops-nix rollback",
        "the cases of sops-nix rollback are run by root",
        &[],
    ),
    named(
        "to see which phases it has, run: sops-nix status",
        "the cases of sops-nix status type it",
        &[],
    ),
    named(
        "set sops.keepGenerations to 2 or more; the runs after that keep the generations before them, until the next boot",
        "the cases of sops-nix rollback have this setting",
        &["sops.keepGenerations"],
    ),
    named(
        "to go back further than to the live generation, switch to an older configuration",
        "the boots of the story rollback do so",
        &[],
    ),
    named(
        "to go back further, switch to an older configuration",
        "the boots of the story rollback do so",
        &[],
    ),
    named(
        "to make it live all the same, run: sops-nix rollback",
        "the case a-generation-that-lacks-a-secret types it",
        &[],
    ),
    named(
        "to install what the configuration says, run: sops-nix retry",
        "the cases of sops-nix retry type it",
        &[],
    ),
    named(
        "look at sops-nix status, and run this again",
        "another run has to publish in between",
        &[],
    ),
    named(
        "to see all messages, run: sops-nix messages",
        "the case all of sops-nix messages types it",
        &[],
    ),
    named(
        "to read more about this, run: sops-nix messages",
        "the case after-a-failed-run types it with one of the names",
        &[],
    ),
    named(
        "to see what that waits for, run: systemctl",
        "it only shows something: the status of the unit, which boot 2b sees on the console",
        &[],
    ),
    named(
        "to install again what the configuration says, run: ",
        "the boots of the story rollback restart the unit",
        &[],
    ),
    named(
        "to see what it waits for, run: sops-nix status",
        "the boot story late_key types both commands",
        &[],
    ),
    named(
        "run as root: sops-nix retry",
        "the cases of sops-nix retry are run by root",
        &[],
    ),
    named(
        "update sops-nix, or write the file with that version of sops",
        "the case a-healthy-host has a file of a version that is known",
        &[],
    ),
    named(
        "set the clock, or look after the clock of the machine where the file was changed",
        "the clock of this machine is not ours to set",
        &[],
    ),
    named(
        "neededForBoot = true, or move the key to another file system",
        "the option is one of NixOS",
        &[],
    ),
    named(
        "run: ssh-keygen -y -f {} > {}",
        "ssh-keygen prints the public half; every other case has the right one",
        &[],
    ),
    named(
        "compare the two to the end, and replace it in .sops.yaml by {own} if that is meant",
        "the case a-healthy-host has the right one",
        &[],
    ),
    named(
        "if nothing needs it, run: rm {}",
        "the case a-healthy-host has no such symlink",
        &[],
    ),
    named(
        "choose a directory below XDG_RUNTIME_DIR (%r)",
        "every other case of user mode has one there",
        &[],
    ),
    named(
        "encrypt the swap space by swapDevices.*.randomEncryption, and restart the machine",
        "a test cannot change the swap space of its host; the case swap-in-memory of sops-nix doctor has one that stays in memory",
        &[],
    ),
    named(
        "set sops.useTmpfs = false, or encrypt the swap space",
        "the case a-healthy-host has a ramfs",
        &[],
    ),
    named(
        "mount it again from {}, each time after secrets change",
        "the case has the old generation there because that was not done",
        &[],
    ),
    named("to see why, run: journalctl -b -u {word}", "there is no journal here", &[]),
    named(
        "to see why, run: journalctl {option}-b -u {}",
        "there is no journal here",
        &[],
    ),
    named(
        "remove one of these orderings: a unit before sops-nix.service needs DefaultDependencies = false",
        "the case a-healthy-host has no such order",
        &[],
    ),
    named("give the unit wants and after", "the order of units is tested in boots", &[]),
    named(
        "name the unit that it starts in restartUnits of {}, or set its option watch",
        "the case a-healthy-host has a unit there",
        &[],
    ),
    named(
        "name the unit in restartUnits of {}",
        "the case a-healthy-host has a unit there",
        &[],
    ),
    named(
        "to list all, run: sops-nix status",
        "the cases of sops-nix status type it",
        &[],
    ),
    named(
        "name the link that nixos-rebuild build makes: ./result",
        "the case a-built-system names one",
        &[],
    ),
];
