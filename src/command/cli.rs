//! The command line of `sops-nix`.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Show the secrets of a host, look into sops files, check them, and find the recipients that belong to keys
///
/// No command prints the value of a secret, or a private key. On a terminal, a page for people is printed; elsewhere, plain lines for
/// scripts.
#[derive(Parser, Debug, PartialEq, Eq)]
#[command(name = "sops-nix", version, after_help = EXIT_CODES, disable_help_subcommand = true)]
pub struct CommandLine {
    /// What to do.
    #[command(subcommand)]
    pub task: Task,
}

/// The commands.
#[derive(Subcommand, Debug, PartialEq, Eq)]
pub enum Task {
    /// Show what is installed on this host, and what is missing
    ///
    /// Shows each phase with its live generation, its secrets and templates, and what its last run failed at. Root also sees the secrets
    /// that home-manager installs for users. The exit code is 1 if anything is missing, or if the last run failed.
    Status(StatusArguments),

    /// Look for what is wrong on this host, and say what to do
    ///
    /// Looks at keys, sops files, owners, symlinks, mounts, units and the clock. It decrypts as the installer does, and changes nothing.
    /// The exit code is 1 if anything is wrong.
    Doctor(DoctorArguments),

    /// Tell the whole story of one secret
    ///
    /// Shows the option, the sops file and who can open it, where the secret is, who may read it, which units do, and when it last
    /// changed.
    Explain(ExplainArguments),

    /// Show which units read a secret
    ///
    /// Looks at the settings of units, at the scripts and files that their commands name, and at the open files of running processes.
    WhoReads(WhoReadsArguments),

    /// Show what a run would change, and change nothing
    ///
    /// Without an argument, this is a run with the configuration of this host. With the result of a build, it is a run after a switch to
    /// it. The exit code is 1 if the run would fail at anything.
    Plan(PlanArguments),

    /// Try again what failed, after its cause was repaired
    ///
    /// Restarts the units that install secrets and have failed, or of which something is missing. Then starts the units that read
    /// secrets and have failed.
    Retry,

    /// Make the generation before the live one live again
    ///
    /// Swaps the link as a run does, and restarts or reloads the units whose secrets are others then. An older generation is there if
    /// sops.keepGenerations is 2 or more. The next run installs again what the configuration says. Asks before secrets that the
    /// configuration declares go.
    Rollback(RollbackArguments),

    /// Remove the symlinks of former secrets, after the module was removed
    ///
    /// Removes the symlinks and directories that were made for secrets outside the mount point, and moves back what was moved aside for
    /// them. What somebody has replaced since stays. Root does this for the system, and a plain user for that user. As long as the host
    /// is set up to install secrets, the command refuses: then a run removes what no secret needs any more. The exit code is 1 if
    /// anything stays.
    Forget(ForgetArguments),

    /// Say what messages mean, and what to do about them
    ///
    /// A run that fails names its messages in its last line. No network is needed: the list is a part of this program.
    Messages(MessagesArguments),

    /// Show what a sops file tells without a key
    ///
    /// Shows who can open the file, which version of sops wrote it, which rule selects what is encrypted, and of each value whether
    /// it is encrypted.
    Inspect(InspectArguments),

    /// Check that all is encrypted that .sops.yaml says, and for whom it says
    ///
    /// A file is checked if a rule of the nearest .sops.yaml names it by its path, and if it is a sops file. It must be encrypted, for
    /// the recipients of its rule; no value may be in the clear, no key may be there twice, and git must not have left a conflict. No
    /// key is needed. In a git repository, files that git ignores are left out.
    Check(CheckArguments),

    /// Set up a repository: make or find a key, write .sops.yaml and a first file
    ///
    /// Finds the age key that sops uses, or makes one. Writes .sops.yaml for it and for the hosts, and a first file with an example,
    /// which the program sops encrypts. Prints the lines for configuration.nix. Asks before anything is overwritten.
    Init(InitArguments),

    /// Print the recipients that SSH keys stand for
    ///
    /// Reads public or private SSH keys, files of authorized keys or of known hosts, and what ssh-keyscan or GitHub print. Prints each
    /// recipient once, on a line of its own.
    Convert(ConvertArguments),

    /// Print the recipients of this host and of you
    ///
    /// Looks where hosts and people usually keep their keys, and where the variables of sops say. A manifest names other places.
    /// Of an SSH key that you may not read, the public key beside it is read.
    Keys(KeysArguments),
}

/// The arguments of `sops-nix status`.
#[derive(Args, Debug, PartialEq, Eq)]
pub struct StatusArguments {
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// The arguments of `sops-nix doctor`.
#[derive(Args, Debug, PartialEq, Eq)]
pub struct DoctorArguments {
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// The arguments of `sops-nix explain`.
#[derive(Args, Debug, PartialEq, Eq)]
pub struct ExplainArguments {
    /// Print JSON
    #[arg(long)]
    pub json: bool,

    /// The name of a secret or template
    #[arg(value_name = "NAME")]
    pub name: String,
}

/// The arguments of `sops-nix who-reads`.
#[derive(Args, Debug, PartialEq, Eq)]
pub struct WhoReadsArguments {
    /// Print JSON
    #[arg(long)]
    pub json: bool,

    /// The name of a secret or template; without this, all
    #[arg(value_name = "NAME")]
    pub name: Option<String>,
}

/// The arguments of `sops-nix rollback`.
#[derive(Args, Debug, PartialEq, Eq)]
pub struct RollbackArguments {
    /// Do not ask
    #[arg(long)]
    pub yes: bool,

    /// Roll back the secrets of this phase of the system
    #[arg(long, value_parser = ["system", "for-users", "for-file-systems"])]
    pub phase: Option<String>,
}

/// The arguments of `sops-nix forget`.
#[derive(Args, Debug, PartialEq, Eq)]
pub struct ForgetArguments {
    /// Also remove symlinks that lead to secrets which are still there
    #[arg(long)]
    pub yes: bool,
}

/// The arguments of `sops-nix messages`.
#[derive(Args, Debug, PartialEq, Eq)]
pub struct MessagesArguments {
    /// The names of messages, as a run gives them, or the text of a message in quotes; without one, all
    #[arg(value_name = "NAME")]
    pub names: Vec<String>,
}

/// The arguments of `sops-nix plan`.
#[derive(Args, Debug, PartialEq, Eq)]
pub struct PlanArguments {
    /// Print JSON
    #[arg(long)]
    pub json: bool,

    /// The result of a build, such as ./result
    #[arg(value_name = "RESULT")]
    pub result: Option<PathBuf>,
}

/// The arguments of `sops-nix inspect`.
#[derive(Args, Debug, PartialEq, Eq)]
pub struct InspectArguments {
    /// Print JSON
    #[arg(long)]
    pub json: bool,

    /// The format of the file; without this, its name and its content tell
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub input_type: Option<InputType>,

    /// The sops file, or - for standard input
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
}

/// The arguments of `sops-nix check`.
#[derive(Args, Debug, PartialEq, Eq)]
pub struct CheckArguments {
    /// Files that are to be encrypted, and directories; without one, the current directory
    #[arg(value_name = "FILE")]
    pub files: Vec<PathBuf>,
}

/// The arguments of `sops-nix init`.
#[derive(Args, Debug, PartialEq, Eq)]
pub struct InitArguments {
    /// A file with public SSH keys of hosts, or what ssh-keyscan prints, or - for standard input; without one, this host if it is NixOS
    #[arg(long, value_name = "KEYS")]
    pub host: Vec<PathBuf>,

    /// Your age recipient, if your key is not in a file: a plugin has it, or a command brings it. Then no key is looked for or made
    #[arg(long, value_name = "RECIPIENT", allow_hyphen_values = true)]
    pub recipient: Vec<String>,

    /// The first file, with an ending that tells its format, yaml or json
    #[arg(value_name = "FILE", default_value = "secrets.yaml")]
    pub file: PathBuf,
}

/// The arguments of `sops-nix convert`.
#[derive(Args, Debug, PartialEq, Eq)]
pub struct ConvertArguments {
    /// The form of the recipients: without this, age in a pipe, and every form on a terminal
    #[arg(long, value_enum, value_name = "FORM")]
    pub to: Option<RecipientForm>,

    /// Write the age identities of private ed25519 keys to this new file, which only its owner can read
    #[arg(long, value_name = "NEW")]
    pub identity_file: Option<PathBuf>,

    /// Files with SSH keys, or - for standard input, which is the default
    #[arg(value_name = "FILE")]
    pub files: Vec<PathBuf>,
}

/// The arguments of `sops-nix keys`.
#[derive(Args, Debug, PartialEq, Eq)]
pub struct KeysArguments {
    /// Print a list in the Nix language of all recipients, in every form
    #[arg(long, conflicts_with = "to")]
    pub nix: bool,

    /// The form of the recipients: without this, age in a pipe, and every form on a terminal
    #[arg(long, value_enum, value_name = "FORM")]
    pub to: Option<RecipientForm>,

    /// Look for the keys that this manifest names
    #[arg(long, value_name = "MANIFEST.json")]
    pub manifest: Option<PathBuf>,
}

/// The forms of recipients.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum RecipientForm {
    /// What stands below `age` in .sops.yaml: the age recipient of an ed25519 key, as ssh-to-age makes it, or the RSA key itself.
    Age,
    /// The SSH key itself, which age takes as a recipient too.
    Ssh,
    /// What stands below `pgp` in .sops.yaml: the fingerprint of the OpenPGP key of an RSA key, as ssh-to-pgp makes it.
    Pgp,
}

/// The formats of sops files, by the names that sops gives them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum InputType {
    /// YAML.
    Yaml,
    /// JSON.
    Json,
    /// Lines like `KEY=value`.
    Dotenv,
    /// Sections with lines like `key = value`.
    Ini,
    /// Any bytes, which sops wraps in JSON.
    Binary,
}

const EXIT_CODES: &str = "\
Exit codes:
  0  done
  1  failed
  2  wrong usage";
