//! Which service manager the system has.

/// Whether the system has systemd, which unit requests and credentials need. macOS has launchd, which knows neither.
pub(crate) const IS_SYSTEMD: bool = cfg!(target_os = "linux");
