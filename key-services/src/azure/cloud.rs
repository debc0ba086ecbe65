//! The clouds of Azure: each has vaults in domains of its own, and signs hosts in at a server of its own.

use crate::origin::Origin;

/// A cloud of Azure.
pub(crate) struct Cloud {
    /// What people call it.
    pub name: &'static str,
    /// The servers that sign hosts in. The first one is asked if nothing names another.
    pub authorities: &'static [&'static str],
    /// The domains of its vaults and of its managed HSMs. A token for them is for the service with the name of the domain.
    pub domains: [&'static str; 2],
}

/// The cloud that most people mean.
pub(crate) const PUBLIC: &Cloud = &CLOUDS[0];

const CLOUDS: [Cloud; 4] = [
    Cloud {
        name: "Azure",
        authorities: &[
            "login.microsoftonline.com",
            "login.microsoft.com",
            "login.windows.net",
            "sts.windows.net",
        ],
        domains: ["vault.azure.net", "managedhsm.azure.net"],
    },
    Cloud {
        name: "Azure China",
        authorities: &["login.chinacloudapi.cn", "login.partner.microsoftonline.cn"],
        domains: ["vault.azure.cn", "managedhsm.azure.cn"],
    },
    Cloud {
        name: "Azure US Government",
        authorities: &["login.microsoftonline.us", "login.usgovcloudapi.net"],
        domains: ["vault.usgovcloudapi.net", "managedhsm.usgovcloudapi.net"],
    },
    Cloud {
        name: "Azure Germany",
        authorities: &["login.microsoftonline.de"],
        domains: ["vault.microsoftazure.de", "managedhsm.microsoftazure.de"],
    },
];

impl Cloud {
    /// The cloud of the vault with the name `host`, and its domain there. A vault is exactly one label below the domain.
    pub(crate) fn of_vault(host: &str) -> Option<(&'static Self, &'static str)> {
        let (label, domain) = host.split_once('.')?;
        let is_label = !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        let known = CLOUDS.iter().flat_map(|cloud| cloud.domains.map(|domain| (cloud, domain)));
        known.filter(|_| is_label).find(|(_, known)| *known == domain)
    }

    /// The cloud whose hosts sign in at `authority`.
    pub(crate) fn of_authority(authority: &Origin) -> Option<&'static Self> {
        CLOUDS.iter().find(|cloud| cloud.authorities.contains(&authority.host()))
    }

    /// The address of the server that signs hosts in.
    pub(crate) fn authority(&self) -> String {
        format!("https://{}", self.authorities.first().unwrap_or(&""))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vaults_are_one_label_below_their_domain() {
        let cloud = |host| Cloud::of_vault(host).map(|(cloud, domain)| (cloud.name, domain));
        assert_eq!(cloud("my-vault.vault.azure.net"), Some(("Azure", "vault.azure.net")));
        assert_eq!(cloud("v.managedhsm.azure.net"), Some(("Azure", "managedhsm.azure.net")));
        assert_eq!(cloud("v.vault.azure.cn"), Some(("Azure China", "vault.azure.cn")));
        assert_eq!(
            cloud("v.vault.usgovcloudapi.net"),
            Some(("Azure US Government", "vault.usgovcloudapi.net"))
        );
        assert_eq!(
            cloud("v.vault.microsoftazure.de"),
            Some(("Azure Germany", "vault.microsoftazure.de"))
        );
        for host in [
            "",
            "vault.azure.net",
            ".vault.azure.net",
            "a.b.vault.azure.net",
            "a_b.vault.azure.net",
            "xvault.azure.net",
            "v.vault.azure.net.evil.example",
            "evil.example",
            "v.azure.net",
        ] {
            assert_eq!(cloud(host), None, "{host}");
        }
    }
}
