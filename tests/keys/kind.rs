//! The ways in which a host can have a key, each with files that the key opens.

use std::path::PathBuf;

use crate::host::{Host, plugin_identity};
use crate::{FORMATS, fixture};

/// A way in which a host has a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// An age identity in a file.
    Age,
    /// An ed25519 SSH key that is converted to an age identity.
    ConvertedSsh,
    /// An ed25519 SSH key that is used without conversion.
    SshEd25519,
    /// An RSA SSH key that is used without conversion.
    SshRsa,
    /// An RSA SSH key that is used as an OpenPGP key.
    SshRsaAsPgp,
    /// An RSA key of a `GnuPG` home.
    PgpRsa,
    /// A Curve25519 key of a `GnuPG` home.
    PgpCurve25519,
    /// A key of a `GnuPG` home, for messages that do not name their recipient.
    PgpHidden,
    /// The identity of an age plugin.
    Plugin,
    /// A post-quantum identity.
    Hybrid,
    /// A command that prints an age identity.
    AgeCommand,
    /// A command that prints an SSH key.
    SshCommand,
    /// An SSH key that the environment names.
    SshVariable,
    /// A systemd credential.
    Credential,
}

/// All kinds.
pub const KINDS: [Kind; 14] = [
    Kind::Age,
    Kind::ConvertedSsh,
    Kind::SshEd25519,
    Kind::SshRsa,
    Kind::SshRsaAsPgp,
    Kind::PgpRsa,
    Kind::PgpCurve25519,
    Kind::PgpHidden,
    Kind::Plugin,
    Kind::Hybrid,
    Kind::AgeCommand,
    Kind::SshCommand,
    Kind::SshVariable,
    Kind::Credential,
];

impl Kind {
    /// A host with the right key of this kind.
    pub fn right(self) -> Host {
        self.host(["keys/age.txt", "keys/ssh_ed25519"], "keys/ssh_rsa")
            .unwrap_or_else(|| match self {
                Self::PgpRsa => Host::new().gnupg("pgp.asc"),
                Self::PgpCurve25519 | Self::PgpHidden => Host::new().gnupg("pgp_curve25519.asc"),
                Self::Plugin => Host::new().age("plugin.txt"),
                _ => Host::new().age("hybrid.txt"),
            })
    }

    /// A host with another key of this kind. The key opens none of the files.
    pub fn wrong(self) -> Host {
        self.host(["keys/other-age.txt", "keys/other_ssh_ed25519"], "openpgp/keys/rsa_2048")
            .unwrap_or_else(|| match self {
                Self::PgpRsa | Self::PgpCurve25519 | Self::PgpHidden => Host::new().gnupg(""),
                Self::Plugin => Host::new().identity(&plugin_identity("somebody else", &[])),
                _ => Host::new().identity(&crate::refused::other_hybrid()),
            })
    }

    /// A host with the given key, for the kinds that can use any key. `None` for the other kinds.
    fn host(self, [age, ed25519]: [&'static str; 2], rsa: &'static str) -> Option<Host> {
        let host = Host::new();
        Some(match self {
            Self::Age => host.age(age.trim_start_matches("keys/")),
            Self::ConvertedSsh | Self::SshEd25519 => host.ssh(ed25519),
            Self::SshRsa | Self::SshRsaAsPgp => host.ssh(rsa),
            Self::AgeCommand => host.printed("SOPS_AGE_KEY_CMD", age),
            Self::SshCommand => host.printed("SOPS_AGE_SSH_PRIVATE_KEY_CMD", ed25519),
            Self::SshVariable => host
                .input("ssh", ed25519)
                .variable("SOPS_AGE_SSH_PRIVATE_KEY_FILE", "$DIR/ssh"),
            Self::Credential => {
                let host = host.field("ageKeyCredential", "age-key").input("credentials/age-key", age);
                host.variable("CREDENTIALS_DIRECTORY", "$DIR/credentials")
            }
            _ => return None,
        })
    }

    /// A file in this format that is only for the key of this kind.
    pub fn alone(self, format: &str) -> PathBuf {
        let stem = match self {
            Self::Age | Self::AgeCommand | Self::Credential => {
                return fixture(match format {
                    "env" => "plain.env",
                    "ini" => "sections.ini",
                    "bin" => "bytes.bin",
                    "json" => "nesting.json",
                    _ => "nesting.yaml",
                });
            }
            Self::ConvertedSsh => "to-converted-ssh",
            Self::SshEd25519 | Self::SshCommand | Self::SshVariable => "to-native-ed25519",
            Self::SshRsa => "to-native-rsa",
            Self::SshRsaAsPgp => "openpgp/sops/to-ssh-rsa-as-pgp",
            Self::PgpRsa => "to-pgp",
            Self::PgpCurve25519 => "to-pgp-curve25519",
            Self::PgpHidden => "to-pgp-hidden",
            Self::Plugin => "to-plugin",
            Self::Hybrid => "to-hybrid",
        };
        fixture(&format!("{stem}.{format}"))
    }

    /// A file in this format that is for the key of this kind and many other recipients.
    pub fn mixed(self, format: &str) -> PathBuf {
        fixture(&format!("to-mixed{}.{format}", self.variant()))
    }

    /// A file in this format that needs two of three key groups.
    pub fn groups(self, format: &str) -> PathBuf {
        let variant = if self.variant().is_empty() { "-mixed" } else { "-hidden" };
        fixture(&format!("to-groups{variant}.{format}"))
    }

    /// Which variant of the files with many recipients this kind needs. In the variant `-hidden`, no message names its recipient.
    fn variant(self) -> &'static str {
        match self {
            Self::SshRsaAsPgp | Self::PgpHidden => "-hidden",
            _ => "",
        }
    }

    /// A kind that opens another one of the three key groups. `None` if an SSH key opens two groups by itself.
    pub fn partner(self) -> Option<Self> {
        Some(match self {
            Self::ConvertedSsh | Self::SshEd25519 | Self::SshCommand | Self::SshVariable => return None,
            Self::Age => Self::SshRsa,
            Self::SshRsa | Self::PgpCurve25519 => Self::Plugin,
            Self::SshRsaAsPgp | Self::Hybrid => Self::Age,
            Self::PgpRsa | Self::AgeCommand => Self::Hybrid,
            Self::PgpHidden => Self::SshRsaAsPgp,
            Self::Plugin => Self::PgpRsa,
            Self::Credential => Self::PgpCurve25519,
        })
    }

    /// All files that a host opens with this key alone.
    pub fn files(self) -> Vec<PathBuf> {
        let files = FORMATS.iter().flat_map(|format| [self.alone(format), self.mixed(format)]);
        files.collect()
    }
}
