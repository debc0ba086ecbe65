//! Where credentials for AWS are looked for, in the order of its own tools.

use super::{
    arn::Arn,
    container, instance, process,
    profiles::{Profile, Profiles},
    sts::{self, Role},
};
use crate::{
    caller::Caller,
    credentials::Credentials,
    fault::{Fault, Kind},
    quote::quote,
    secret::Secret,
};

/// The most profiles that lead to each other by `source_profile`.
const MOST_PROFILES: usize = 5;

/// Settings of profiles that are not read, and the variables that do the same. To ignore them would lead to other servers than the profile says.
const UNOBEYED: [(&str, &str); 4] = [
    ("ca_bundle", "AWS_CA_BUNDLE"),
    ("endpoint_url", "AWS_ENDPOINT_URL"),
    ("use_dualstack_endpoint", "AWS_USE_DUALSTACK_ENDPOINT"),
    ("use_fips_endpoint", "AWS_USE_FIPS_ENDPOINT"),
];

/// The search for credentials that may use the key at an ARN.
pub(crate) struct Chain<'a> {
    /// What calls need.
    pub caller: Caller<'a>,
    /// The key. Roles are assumed at the token service of its region.
    pub key: &'a Arn,
}

impl Chain<'_> {
    /// The credentials of the first source that has some: the profile that the file names, and nothing else if it names one; variables; a token of
    /// another issuer; the profile that `AWS_PROFILE` names, or the one called `default`; the endpoint of a container; the role of an instance.
    ///
    /// # Errors
    ///
    /// If no source has credentials, or one has some that cannot be used.
    pub(crate) fn find(&self, profile: &str) -> Result<Credentials, Fault> {
        if !profile.is_empty() {
            return self.shared(profile, Some("`aws_profile` in the file"));
        }
        if let Some(credentials) = self.of_variables() {
            return Ok(credentials);
        }
        if let Some(credentials) = self.of_token() {
            return credentials;
        }
        match self
            .caller
            .environment
            .get("AWS_PROFILE")
            .or_else(|| self.caller.environment.get("AWS_DEFAULT_PROFILE"))
        {
            Some(named) => self.shared(named, Some("AWS_PROFILE")),
            None => self.shared("default", None),
        }
    }

    fn of_variables(&self) -> Option<Credentials> {
        let get = |name: &str, old: &str| self.caller.environment.get(name).or_else(|| self.caller.environment.get(old));
        Some(Credentials {
            id: get("AWS_ACCESS_KEY_ID", "AWS_ACCESS_KEY")?.to_owned(),
            secret: Secret::from(get("AWS_SECRET_ACCESS_KEY", "AWS_SECRET_KEY")?),
            token: self.caller.environment.get("AWS_SESSION_TOKEN").map(Secret::from),
            origin: "the environment".to_owned(),
        })
    }

    fn of_token(&self) -> Option<Result<Credentials, Fault>> {
        let file = self.caller.environment.get("AWS_WEB_IDENTITY_TOKEN_FILE")?;
        let Some(arn) = self.caller.environment.get("AWS_ROLE_ARN") else {
            let fault = Fault::new(
                Kind::NoCredentials,
                "AWS_WEB_IDENTITY_TOKEN_FILE is set, but AWS_ROLE_ARN is not",
            );
            return Some(Err(fault.remedy("set AWS_ROLE_ARN to the role to assume")));
        };
        let session = self.caller.environment.get("AWS_ROLE_SESSION_NAME").unwrap_or_default();
        Some(sts::assume_with_token(
            &self.caller,
            self.key,
            &role(arn, session, None),
            file,
        ))
    }

    /// The credentials of the profile `name`, or else those of the machine. `named_by`: who asks for this very profile.
    fn shared(&self, name: &str, named_by: Option<&str>) -> Result<Credentials, Fault> {
        let profiles = Profiles::read(self.caller.environment)?;
        if let (None, Some(named_by)) = (profiles.get(name), named_by) {
            let cause = format!(
                "no profile {}, which {named_by} names, in {}",
                quote(name, &[]),
                profiles.places.join(" and ")
            );
            return Err(Fault::new(Kind::NoCredentials, cause).remedy("add the profile to one of these files"));
        }
        match self.of_profile(&profiles, name, MOST_PROFILES)? {
            Some(credentials) => Ok(credentials),
            None => self.of_machine(name, &profiles),
        }
    }

    fn of_profile(&self, profiles: &Profiles, name: &str, most: usize) -> Result<Option<Credentials>, Fault> {
        let Some(profile) = profiles.get(name) else {
            return Ok(None);
        };
        let shown = quote(name, &[]);
        let fault = |why: &str| Fault::new(Kind::NoCredentials, format!("the profile {shown} {why}"));
        let get = |key: &str| profile.get(key).map(|value| value.as_str());
        if let Some((setting, variable)) = UNOBEYED.into_iter().find(|(setting, _)| get(setting).is_some()) {
            let fault = fault(&format!("has {setting}, which this program does not obey in a profile"));
            return Err(fault.remedy(format!("remove it there, and set {variable}")));
        }
        if most == 0 {
            return Err(fault("leads to itself by source_profile"));
        }
        if let Some(arn) = get("role_arn") {
            let role = role(arn, get("role_session_name").unwrap_or_default(), get("external_id"));
            if let Some(file) = get("web_identity_token_file") {
                return sts::assume_with_token(&self.caller, self.key, &role, file).map(Some);
            }
            if get("mfa_serial").is_some() {
                return Err(fault("asks for a code of a device, which nobody can give here"));
            }
            let first = self.before_role(profiles, name, most)?;
            let first =
                first.ok_or_else(|| fault("has a role_arn, but its source_profile or credential_source has no credentials"))?;
            return sts::assume(&self.caller, self.key, &role, &first).map(Some);
        }
        if let Some(credentials) = of_keys(profile, &shown) {
            return Ok(Some(credentials));
        }
        if let Some(command) = get("credential_process") {
            return process::credentials(command, &shown, self.caller.environment, self.caller.client.deadline()).map(Some);
        }
        if get("sso_session").or_else(|| get("sso_start_url")).is_some() {
            return Err(
                fault("signs in with SSO, which needs a person").remedy("give the host a role or an access key of its own")
            );
        }
        Ok(None)
    }

    /// The credentials with which the role of the profile `name` is assumed.
    fn before_role(&self, profiles: &Profiles, name: &str, most: usize) -> Result<Option<Credentials>, Fault> {
        let setting = |key: &str| profiles.get(name)?.get(key).map(|value| value.as_str());
        match (setting("source_profile"), setting("credential_source")) {
            (Some(source), _) if source == name => Ok(profiles.get(name).and_then(|profile| of_keys(profile, &quote(name, &[])))),
            (Some(source), _) => self.of_profile(profiles, source, most - 1),
            (None, Some("Environment")) => Ok(self.of_variables()),
            (None, Some("EcsContainer")) => container::credentials(&self.caller).transpose(),
            (None, Some("Ec2InstanceMetadata")) => instance::credentials(&self.caller).map(Some),
            (None, _) => Ok(None),
        }
    }

    /// The credentials of the container or the instance that this host is. If there are none, the fault says where all have been looked for.
    fn of_machine(&self, profile: &str, profiles: &Profiles) -> Result<Credentials, Fault> {
        if let Some(credentials) = container::credentials(&self.caller) {
            return credentials;
        }
        instance::credentials(&self.caller).map_err(|fault| {
            let variables = match self.caller.environment.get("AWS_ACCESS_KEY_ID") {
                Some(_) => "AWS_ACCESS_KEY_ID (without AWS_SECRET_ACCESS_KEY)",
                None => "AWS_ACCESS_KEY_ID",
            };
            let files = profiles.places.join(" and ");
            let cause = format!(
                "no credentials for AWS: looked for {variables}, AWS_WEB_IDENTITY_TOKEN_FILE, the profile {} in {files}, \
                 AWS_CONTAINER_CREDENTIALS_RELATIVE_URI, and a role of the instance ({})",
                quote(profile, &[]),
                fault.cause
            );
            Fault::new(Kind::NoCredentials, cause).remedy("give the host one of these")
        })
    }
}

fn of_keys(profile: &Profile, name: &str) -> Option<Credentials> {
    let get = |key: &str| profile.get(key).map(|value| value.as_str()).filter(|value| !value.is_empty());
    Some(Credentials {
        id: get("aws_access_key_id")?.to_owned(),
        secret: Secret::from(get("aws_secret_access_key")?),
        token: get("aws_session_token").map(Secret::from),
        origin: format!("the profile {name}"),
    })
}

fn role<'a>(arn: &'a str, session: &'a str, external_id: Option<&'a str>) -> Role<'a> {
    Role {
        arn,
        session,
        external_id,
    }
}
