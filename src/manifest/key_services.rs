//! Reads the field `keyServices`: how key services are asked, such as those of clouds.

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::findings::Findings;
use crate::{keys::KeyServices, text::printable::named};

/// The time for everything that is asked of one service, if the manifest does not say it.
const SECONDS: u64 = 10;
/// The longest time that is accepted: one hour.
const MOST_SECONDS: u64 = 3600;

/// How key services are asked, as JSON has it.
#[derive(Default, Deserialize, Serialize)]
#[serde(default, rename_all = "camelCase", expecting = "an object")]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "KeyServices", deny_unknown_fields, extend("required" = ["program"])))]
pub(crate) struct RawKeyServices {
    /// The absolute path of the program `sops-key-services`.
    pub program: Option<String>,
    /// Addresses to which a sops file may send what identifies this host: `https://host`, or `https://host:port`.
    pub allowed_endpoints: Option<Vec<String>>,
    /// Addresses at which a `sops keyservice` listens: `unix:///path` or `tcp://host:port`.
    pub addresses: Option<Vec<String>>,
    /// Environment variables for that program alone.
    pub environment: Option<BTreeMap<String, String>>,
    /// The path of a file with further environment variables for that program alone, which may be secret.
    pub environment_file: Option<String>,
    /// How many seconds everything that is asked of one service may take. The default is 10.
    #[cfg_attr(test, schemars(range(min = 1, max = 3600)))]
    pub timeout: Option<u64>,
    /// Whether age plugins do not get the environment variables that identify this host to a key service. The default is false.
    pub hide_credentials: Option<bool>,
    #[serde(flatten, skip_serializing)]
    #[cfg_attr(test, schemars(skip))]
    pub unknown: BTreeMap<String, Value>,
}

/// Checks the field `keyServices`. sops-nix has no such field, so a manifest of sops-nix must not have it.
pub(crate) fn key_services(raw: Option<RawKeyServices>, findings: &mut Findings) -> Option<KeyServices> {
    let raw = raw?;
    if !findings.strict {
        findings.error("keyServices needs a manifest with a version".to_owned(), "set version to 1");
    }
    let program = PathBuf::from(raw.program.unwrap_or_default());
    if !program.is_absolute() {
        findings.error(
            format!(
                "keyServices.program is {}, which is not an absolute path",
                named(&program.to_string_lossy())
            ),
            "set sops.keyServices.package",
        );
    }
    let addresses = raw.addresses.unwrap_or_default();
    for address in addresses.iter().filter(|address| !is_address(address)) {
        findings.error(
            format!(
                "keyServices.addresses has {}, at which no sops keyservice can listen",
                named(address)
            ),
            "write it as unix:///path or tcp://host:port in sops.keyServices.addresses",
        );
    }
    let allowed_endpoints = raw.allowed_endpoints.unwrap_or_default();
    for endpoint in allowed_endpoints.iter().filter(|endpoint| !is_endpoint(endpoint)) {
        findings.error(
            format!(
                "keyServices.allowedEndpoints has {}, which is no address of a server",
                named(endpoint)
            ),
            "write it as https://host or https://host:port in sops.keyServices.allowedEndpoints",
        );
    }
    let seconds = raw.timeout.unwrap_or(SECONDS);
    if !(1..=MOST_SECONDS).contains(&seconds) {
        findings.error(
            format!("keyServices.timeout is {seconds}"),
            format!("set sops.keyServices.timeout to a number between 1 and {MOST_SECONDS}, in seconds"),
        );
    }
    Some(KeyServices {
        program,
        allowed_endpoints,
        addresses,
        environment: raw.environment.unwrap_or_default(),
        environment_file: raw.environment_file.filter(|path| !path.is_empty()),
        timeout: Duration::from_secs(seconds),
        hides_credentials: raw.hide_credentials.unwrap_or(false),
    })
}

/// Whether a `sops keyservice` can listen at the address.
fn is_address(address: &str) -> bool {
    let is_after = |scheme, start: &str| address.strip_prefix(scheme).is_some_and(|rest: &str| rest.starts_with(start));
    is_after("unix://", "/") || is_after("tcp://", "") && address.trim_start_matches("tcp://").contains(':')
}

/// Whether the text is the address of a server: a scheme of HTTP and a host, with nothing behind.
fn is_endpoint(endpoint: &str) -> bool {
    let host = ["https://", "http://"]
        .iter()
        .find_map(|scheme| endpoint.strip_prefix(scheme));
    host.is_some_and(|host| !host.is_empty() && !host.trim_end_matches('/').contains(['/', '@', '?', '#', ' ']))
}
