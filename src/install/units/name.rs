//! Names of units, as systemd reads them.

/// The types of units. The full name of a unit ends with a dot and one of these types (systemd.unit(5)).
const TYPES: [&str; 11] = [
    "service",
    "socket",
    "target",
    "device",
    "mount",
    "automount",
    "swap",
    "timer",
    "path",
    "slice",
    "scope",
];

/// The full name of a unit. A name without a type means a service, as for systemctl.
#[must_use]
pub fn full(name: &str) -> String {
    let has_type = name.rsplit_once('.').is_some_and(|(_, end)| TYPES.contains(&end));
    if has_type {
        name.to_owned()
    } else {
        format!("{name}.service")
    }
}

/// Whether `name` is the name of a socket, on which systemd listens for a service.
pub(crate) fn is_socket(name: &str) -> bool {
    name.ends_with(".socket")
}

/// Whether `name` is the name of a template unit, such as `getty@.service`. Only instances of a template can run.
pub(crate) fn is_template(name: &str) -> bool {
    name.rsplit_once('.').is_some_and(|(stem, _)| stem.ends_with('@'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_without_a_type_is_that_of_a_service() {
        for (name, wanted) in [
            ("nginx", "nginx.service"),
            ("nginx.service", "nginx.service"),
            ("web.socket", "web.socket"),
            ("app@a.b", "app@a.b.service"),
            ("app@a.b.timer", "app@a.b.timer"),
            ("dev-disk\\x2dby.device", "dev-disk\\x2dby.device"),
            ("org.example.Daemon", "org.example.Daemon.service"),
            ("trailing.", "trailing..service"),
        ] {
            assert_eq!(full(name), wanted);
        }
    }

    #[test]
    fn a_template_has_no_instance() {
        assert!(is_template("app@.service"));
        assert!(!is_template("app@a.service"));
        assert!(!is_template("app@.hidden.service"));
        assert!(!is_template("app@a@.b.service"));
    }
}
