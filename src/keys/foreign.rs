//! Names the forms of keys that this program recognizes but cannot use.

use std::fmt;

/// The form of key that a key source holds instead of the expected key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Foreign {
    /// An SSH private key in the file format of `PuTTY` (`.ppk`).
    Putty,
    /// An SSH private key in the file format of the programs of ssh.com.
    SshCom,
    /// An SSH private key in the file format of Dropbear, a small SSH server.
    Dropbear,
    /// An RSA key for version 1 of the SSH protocol, in a file format of its own.
    FirstProtocol,
    /// An SSH certificate for a public key, or an X.509 certificate.
    Certificate,
    /// An OpenPGP key, where an SSH key or age identities are expected.
    OpenPgp,
    /// Age identities, where an SSH private key is expected.
    AgeIdentities,
}

/// What to do if an SSH key is of a kind that age cannot use.
pub(crate) const USABLE_SSH_KEY: &str = "use an ssh-ed25519 or ssh-rsa key";

impl Foreign {
    /// The remedy for a key that no command converts. `None` for the forms for which [`Self::conversion`] gives a command.
    pub(crate) fn remedy(self) -> Option<&'static str> {
        match self {
            Self::FirstProtocol => Some(USABLE_SSH_KEY),
            Self::Certificate => Some("give the path of the private key"),
            Self::OpenPgp => Some("import the key into a GnuPG home, and set sops.gnupg.home to that home"),
            Self::AgeIdentities => Some("set sops.age.keyFile to this path instead"),
            Self::Putty | Self::SshCom | Self::Dropbear => None,
        }
    }

    /// The command that writes a copy of the key in the form of OpenSSH, if there is such a command. `path` is the key file, quoted
    /// for a shell.
    pub(crate) fn conversion(self, path: &str) -> Option<String> {
        match self {
            // Without `--new-passphrase`, the converted key would keep its passphrase, and this program could not use the key.
            Self::Putty | Self::SshCom => Some(format!(
                "puttygen {path} -O private-openssh-new --new-passphrase /dev/null -o {path}.openssh"
            )),
            Self::Dropbear => Some(format!("dropbearconvert dropbear openssh {path} {path}.openssh")),
            Self::FirstProtocol | Self::Certificate | Self::OpenPgp | Self::AgeIdentities => None,
        }
    }
}

impl fmt::Display for Foreign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Putty => "it is an SSH key in the format of PuTTY",
            Self::SshCom => "it is an SSH key in the format of ssh.com",
            Self::Dropbear => "it is an SSH key in the format of Dropbear",
            Self::FirstProtocol => "it is a key for version 1 of the SSH protocol, which age cannot use",
            Self::Certificate => "it is a certificate, not an SSH private key",
            Self::OpenPgp => "it is an OpenPGP key",
            Self::AgeIdentities => "it contains age identities, not an SSH key",
        })
    }
}
