//! When a run asks key services, and what becomes of the secrets that only they, or a key that comes later, could give.

use super::{cli::ServiceMode, sops_files::Awaited};
use crate::{
    keys::ServiceReach,
    manifest::{Manifest, Phase},
};

impl ServiceMode {
    /// Whether a run of `manifest` asks key services. `ignores_passwd` says that the run is the one before users are made.
    pub(crate) fn reach(self, manifest: &Manifest, ignores_passwd: bool) -> ServiceReach {
        let is_early = ignores_passwd || manifest.phase == Phase::FileSystems;
        match self {
            Self::Ask | Self::Complete => ServiceReach::Now,
            Self::Defer if is_early => ServiceReach::Never,
            Self::Defer => ServiceReach::Later,
        }
    }

    /// The mode of the run that ends with all there is: of the one that completes the set, if this one leaves it to key services.
    pub(crate) fn in_the_end(self, manifest: &Manifest, ignores_passwd: bool) -> Self {
        match self.reach(manifest, ignores_passwd) {
            ServiceReach::Later if manifest.key_services.is_some() => Self::Complete,
            ServiceReach::Now | ServiceReach::Later | ServiceReach::Never => self,
        }
    }

    /// What a run that reaches key services as `reach` says awaits, instead of failing at it.
    pub(crate) fn awaited(self, reach: ServiceReach) -> Awaited {
        if self == Self::Ask || reach == ServiceReach::Never {
            Awaited::Nothing
        } else {
            Awaited::KeyToCome
        }
    }
}
