//! Forms of keys that this program recognizes and cannot read.

use std::fmt;

/// What a source holds instead of the expected key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Foreign {
    /// An SSH private key as `PuTTY` keeps it, `.ppk`.
    Putty,
    /// An SSH private key as the programs of ssh.com keep it.
    SshCom,
    /// An SSH private key as Dropbear keeps it.
    Dropbear,
    /// A key of the first version of the SSH protocol: RSA in a form of its own.
    FirstProtocol,
    /// A certificate for a public key.
    Certificate,
    /// An OpenPGP key.
    OpenPgp,
    /// age identities.
    AgeIdentities,
}

impl Foreign {
    /// What to do, with the command to type. `path` is the file, quoted for a shell.
    pub(crate) fn remedy(self, path: &str) -> Option<String> {
        let convert = |command: String| Some(format!("convert it and name the result, run: {command}"));
        match self {
            // Without `--new-passphrase` the converted key would keep its passphrase, and could not be used either.
            Self::Putty | Self::SshCom => convert(format!(
                "puttygen {path} -O private-openssh-new --new-passphrase /dev/null -o {path}.openssh"
            )),
            Self::Dropbear => convert(format!("dropbearconvert dropbear openssh {path} {path}.openssh")),
            Self::Certificate => Some("name the private key that belongs to it".to_owned()),
            Self::OpenPgp => Some("import it into a GnuPG home, and name that as sops.gnupg.home".to_owned()),
            Self::AgeIdentities => Some("name it as sops.age.keyFile".to_owned()),
            Self::FirstProtocol => None,
        }
    }
}

impl fmt::Display for Foreign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Putty => "an SSH key in the form of PuTTY",
            Self::SshCom => "an SSH key in the form of ssh.com",
            Self::Dropbear => "an SSH key in the form of Dropbear",
            Self::FirstProtocol => "a key of the first version of SSH, which age does not know",
            Self::Certificate => "a certificate, not an SSH private key",
            Self::OpenPgp => "an OpenPGP key",
            Self::AgeIdentities => "age identities, not an SSH key",
        })
    }
}
