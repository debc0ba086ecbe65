//! The environment variables of this process that children do not inherit.

use std::{env, process::Command};

/// Environment variables that are not for children: `SOPS_AGE_KEY` has a secret, and by `NOTIFY_SOCKET` this process alone speaks for its
/// unit (`sd_notify`(3)).
const OWN_VARIABLES: [&str; 2] = ["SOPS_AGE_KEY", "NOTIFY_SOCKET"];

/// Environment variables with what identifies this host to a key service. Only programs that speak to such services get them.
const CREDENTIALS: [&str; 24] = [
    "ARM_CLIENT_SECRET",
    "AWS_ACCESS_KEY",
    "AWS_ACCESS_KEY_ID",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SECRET_KEY",
    "AWS_SECURITY_TOKEN",
    "AWS_SESSION_TOKEN",
    "AZURE_CLIENT_CERTIFICATE_PASSWORD",
    "AZURE_CLIENT_SECRET",
    "AZURE_FEDERATED_TOKEN",
    "AZURE_PASSWORD",
    "BAO_TOKEN",
    "CLOUDSDK_AUTH_ACCESS_TOKEN",
    "GOOGLE_CREDENTIALS",
    "GOOGLE_OAUTH_ACCESS_TOKEN",
    "HUAWEICLOUD_SDK_AK",
    "HUAWEICLOUD_SDK_SECURITY_TOKEN",
    "HUAWEICLOUD_SDK_SK",
    "IDENTITY_HEADER",
    "MSI_SECRET",
    "VAULT_ROLE_ID",
    "VAULT_SECRET_ID",
    "VAULT_TOKEN",
];

/// Keeps the variables of this process alone from `command`.
pub(crate) fn hide_own(command: &mut Command) {
    for name in OWN_VARIABLES {
        command.env_remove(name);
    }
}

/// The variables of this process that [`hide_credentials`] keeps from a child.
pub(crate) fn hidden_credentials() -> Vec<&'static str> {
    let mut names = CREDENTIALS.to_vec();
    names.retain(|name| env::var_os(name).is_some());
    names
}

/// Keeps what identifies this host to key services from `command`.
pub(crate) fn hide_credentials(command: &mut Command) {
    for name in CREDENTIALS {
        command.env_remove(name);
    }
}
