//! All services, and who is asked for an entry.

use crate::{
    aws::Aws,
    azure::Azure,
    deadline::Deadline,
    environment::Environment,
    fault::{Fault, Kind},
    google::Google,
    huawei::Huawei,
    keyservice::KeyService,
    request::Entry,
    secret::Secret,
    vault::{self, Vault},
};

/// What the configuration says about services.
pub(crate) struct Settings<'a> {
    /// Addresses to which a file may send the credentials of this host.
    pub allowed: &'a [String],
    /// Addresses of key services of sops.
    pub key_services: &'a [String],
    /// When every question has to be answered.
    pub deadline: Deadline,
}

/// All services, as one run asks them.
pub(crate) struct Services<'a> {
    aws: Aws<'a>,
    azure: Azure<'a>,
    google: Google<'a>,
    huawei: Huawei<'a>,
    vault: Vault<'a>,
    others: Vec<KeyService<'a>>,
    deadline: Deadline,
}

impl<'a> Services<'a> {
    /// The services, none of which has been asked yet. Those that `SOPS_KEYSERVICE` names (with commas between) follow those of the configuration.
    pub(crate) fn new(environment: &'a Environment, settings: &Settings<'a>) -> Self {
        let named = environment
            .get("SOPS_KEYSERVICE")
            .unwrap_or_default()
            .split(',')
            .map(str::trim);
        let addresses = settings
            .key_services
            .iter()
            .map(String::as_str)
            .chain(named.filter(|address| !address.is_empty()));
        let deadline = settings.deadline;
        let others = addresses
            .map(|address| KeyService::new(address, deadline))
            .collect::<Vec<_>>();
        // A service that swallows connections leaves time for those who know another way.
        let own = deadline.share(1 + usize::from(!others.is_empty()));
        // Of a Vault that nobody has listed, they may not be asked.
        let of_vault = if vault::is_any_listed(settings.allowed, environment) {
            own
        } else {
            deadline
        };
        Self {
            aws: Aws::new(environment, own),
            azure: Azure::new(environment, settings.allowed, own),
            google: Google::new(environment, own),
            huawei: Huawei::new(environment, own),
            vault: Vault::new(environment, settings.allowed, of_vault),
            others,
            deadline,
        }
    }

    /// Whether the key services of sops are to be asked for `entry`, after the service itself gave `fault`. They are asked for what this host has no
    /// credentials for that this program can use, or only some that do not open it (an instance always has some), and for what cannot be reached from
    /// here. They are not asked for an address that nobody allows: they would send their own token there. Nor is there a word of them when no time
    /// is left: the fault is not theirs.
    pub(crate) fn is_for_others(&self, entry: &Entry, fault: &Fault) -> bool {
        let is_time_left = !self.deadline.remaining().is_zero();
        is_for_others(fault.kind) && is_time_left && !self.others.is_empty() && self.may_be_passed_on(entry)
    }

    /// The data key of `entry`, from the key services of sops. `fault`: why the service itself does not give it.
    ///
    /// # Errors
    ///
    /// If none gives it.
    pub(crate) fn ask_others(&self, entry: &Entry, fault: Fault) -> Result<Secret, Fault> {
        let mut faults = vec![fault.in_one()];
        for (place, service) in self.others.iter().enumerate() {
            match service.open(entry, self.others.len() - place) {
                Ok(data_key) => return Ok(data_key),
                Err(fault) => faults.push(fault),
            }
        }
        Err(joined(faults))
    }

    /// Whether key services of sops may see the entry. They ask whatever address is in it, and join its path.
    fn may_be_passed_on(&self, entry: &Entry) -> bool {
        match entry {
            Entry::HcVault(key) => self.vault.may_be_passed_on(key),
            Entry::AzureKv(key) => self.azure.may_be_passed_on(key),
            Entry::Kms(_) | Entry::GcpKms { .. } | Entry::Hckms { .. } => true,
        }
    }

    /// The data key of `entry`, from the service itself.
    ///
    /// # Errors
    ///
    /// If the service does not give it.
    pub(crate) fn ask_service(&self, entry: &Entry) -> Result<Secret, Fault> {
        match entry {
            Entry::Kms(key) => self.aws.open(key),
            Entry::AzureKv(key) => self.azure.open(key),
            Entry::GcpKms { resource_id, enc } => self.google.open(resource_id, enc),
            Entry::Hckms { key_id, enc } => self.huawei.open(key_id, enc),
            Entry::HcVault(key) => self.vault.open(key),
        }
    }
}

/// Whether another program may be able to do what this one is not.
fn is_for_others(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::NotSpoken | Kind::NoCredentials | Kind::BadCredentials | Kind::Denied | Kind::Unreachable
    )
}

/// One fault that tells all `faults`. What to do is what the last one says, which was the last chance; but if the service itself knows who asks and
/// refuses, it is what that one says.
fn joined(mut faults: Vec<Fault>) -> Fault {
    let causes = faults.iter().map(|fault| fault.cause.as_str()).collect::<Vec<_>>().join("; ");
    let is_refused = faults
        .first()
        .is_some_and(|fault| matches!(fault.kind, Kind::Denied | Kind::BadCredentials));
    faults.truncate(if is_refused { 1 } else { faults.len() });
    let told = faults.pop().unwrap_or_else(|| Fault::new(Kind::Other, ""));
    Fault { cause: causes, ..told }
}
