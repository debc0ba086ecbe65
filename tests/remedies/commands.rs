//! The remedies that the command `sops-nix` prints. The cases below `tests/messages/cases/sops-nix-*` type each remedy after the
//! failure for which it is printed.

use crate::{Row, named};

pub const ROWS: &[Row] = &[
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
        "write {RULE_FILE} with the recipients; to print those of this host, run: sops-nix keys",
        "the other cases of sops-nix check have such a file; the cases of sops-nix keys type it",
        &[],
    ),
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
        "remove all but one from that rule",
        "the other cases of sops-nix check have rules with one such field",
        &[],
    ),
    named(
        "set shamir_threshold to a number from 2 to {groups}",
        "another rule of the case has such a number",
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
];
