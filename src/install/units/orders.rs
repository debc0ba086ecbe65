//! Decides one action for each unit, and leaves out all actions that a running switch carries out itself.

use std::collections::HashMap;

use super::{
    action::{Action, Reason, Wish, action},
    name,
    requests::UnitRequests,
    state::{Activity, State},
    switch::Switch,
};
use crate::text::shell;

/// The units to restart, to reload and to start. Each unit is in one of the three lists.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Orders {
    pub restart: Vec<String>,
    pub reload: Vec<String>,
    pub start: Vec<String>,
    /// The units about which nothing is done, although they may use a changed secret; each with the reason.
    kept: Vec<(String, Reason)>,
}

impl Orders {
    /// Decides about all units in `requests`. `states` has the states of those units that systemd described. For any other unit, the
    /// request is passed on to systemd.
    ///
    /// `since` says when the secrets changed, in µs of the monotonic clock. It is `None` if no unit can have started after the
    /// change.
    ///
    /// A request may name a unit by an alias. The orders use the own name of the unit: a switch knows a unit only by its own name, and
    /// a unit with two names must not be restarted twice.
    pub(crate) fn new(requests: &UnitRequests, states: &HashMap<String, State>, switch: &Switch, since: Option<u64>) -> Self {
        let mut orders = Self::default();
        let wishes = [(Wish::Restart, &requests.restart), (Wish::Reload, &requests.reload)];
        for (wish, units) in wishes {
            for unit in units {
                let state = states.get(unit);
                let name = state.and_then(|state| state.id.as_ref()).unwrap_or(unit);
                let action = decide(wish, name, state, switch, since);
                orders.add(name, action, switch);
            }
        }
        orders
    }

    fn add(&mut self, unit: &str, action: Action, switch: &Switch) {
        let is_planned = [&self.restart, &self.reload, &self.start]
            .iter()
            .any(|units| units.iter().any(|other| other == unit));
        let is_left_to_the_switch = match action {
            Action::Restart => switch.restarts(unit),
            Action::Start => switch.starts(unit),
            Action::Reload => switch.reloads(unit),
            Action::Nothing | Action::Keep(_) => false,
        };
        if is_planned || is_left_to_the_switch {
            return;
        }
        match action {
            Action::Restart => self.restart.push(unit.to_owned()),
            Action::Reload => self.reload.push(unit.to_owned()),
            Action::Start => self.start.push(unit.to_owned()),
            Action::Nothing => {}
            Action::Keep(reason) => self.keep(unit, reason),
        }
    }

    fn keep(&mut self, unit: &str, reason: Reason) {
        if self.kept.iter().all(|(other, _)| other != unit) {
            self.kept.push((unit.to_owned(), reason));
        }
    }

    /// Warns of each unit about which nothing is done, with the reason.
    pub(crate) fn report(&self) {
        for (unit, reason) in &self.kept {
            match reason {
                Reason::Refused(refusal) if refusal.is_of_systemd() => tracing::warn!("{unit} is not restarted: {reason}"),
                Reason::Refused(_) => {
                    tracing::warn!(
                        "{unit} is not restarted: {reason}; when a restart does no harm, run: systemctl restart {}",
                        shell::word(unit)
                    );
                }
                Reason::Gone | Reason::Template | Reason::Socket | Reason::Masked => {
                    tracing::warn!("{unit} is not restarted or reloaded: {reason}");
                }
            }
        }
    }
}

fn decide(wish: Wish, unit: &str, state: Option<&State>, switch: &Switch, since: Option<u64>) -> Action {
    let Some(state) = state else {
        return match wish {
            _ if name::is_template(unit) => Action::Keep(Reason::Template),
            Wish::Restart => Action::Restart,
            Wish::Reload => Action::Reload,
        };
    };
    let has_new_secrets = state.activity == Activity::Runs && since.is_some_and(|since| state.started >= since);
    if has_new_secrets {
        return Action::Nothing;
    }
    if state.activity == Activity::Idle && switch.had_failed(unit) {
        return action(
            wish,
            &State {
                activity: Activity::Failed,
                ..state.clone()
            },
        );
    }
    if state.activity == Activity::Runs && name::is_socket(unit) {
        return Action::Keep(Reason::Socket);
    }
    action(wish, state)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::install::units::state::Load;

    fn state(activity: Activity, started: u64) -> State {
        State {
            load: Load::There,
            activity,
            id: None,
            can_reload: true,
            reload_if_changed: false,
            refusals: Vec::new(),
            started,
        }
    }

    fn units(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    /// The units to restart, reload and start.
    fn planned(orders: Orders) -> [Vec<String>; 3] {
        [orders.restart, orders.reload, orders.start]
    }

    fn requests() -> UnitRequests {
        UnitRequests {
            restart: units(&["runs", "both", "bad", "idle", "strange", "t@.service"]),
            reload: units(&["both", "reloads", "bad", "strange"]),
        }
    }

    fn states() -> HashMap<String, State> {
        let of = [
            ("runs", Activity::Runs, 5),
            ("both", Activity::Runs, 10),
            ("reloads", Activity::Runs, 15),
            ("bad", Activity::Failed, 20),
            ("idle", Activity::Idle, 0),
        ];
        of.map(|(name, activity, started)| (name.to_owned(), state(activity, started)))
            .into()
    }

    #[test]
    fn each_unit_is_told_once() {
        let orders = Orders::new(&requests(), &states(), &Switch::default(), None);
        assert_eq!(orders.kept, [("t@.service".to_owned(), Reason::Template)]);
        let wanted = [units(&["runs", "both", "strange"]), units(&["reloads"]), units(&["bad"])];
        assert_eq!(planned(orders), wanted);
    }

    #[test]
    fn a_socket_goes_on_listening() {
        let of = |activity| HashMap::from([("a.socket".to_owned(), state(activity, 5))]);
        let requests = UnitRequests {
            restart: units(&["a.socket"]),
            reload: Vec::new(),
        };
        let orders = Orders::new(&requests, &of(Activity::Runs), &Switch::default(), None);
        assert_eq!(orders.kept, [("a.socket".to_owned(), Reason::Socket)]);
        assert_eq!(planned(orders), [units(&[]), units(&[]), units(&[])]);
        let failed = Orders::new(&requests, &of(Activity::Failed), &Switch::default(), None);
        assert_eq!(planned(failed), [units(&[]), units(&[]), units(&["a.socket"])]);
    }

    #[test]
    fn a_unit_that_has_started_since_has_the_new_secrets() {
        let orders = Orders::new(&requests(), &states(), &Switch::default(), Some(10));
        assert_eq!(planned(orders), [units(&["runs", "strange"]), units(&[]), units(&["bad"])]);
    }

    #[test]
    fn a_unit_that_had_failed_before_a_switch_is_started() {
        let switch = Switch::with_failed(units(&["idle", "runs"]));
        let orders = Orders::new(&requests(), &states(), &switch, None);
        assert_eq!(
            planned(orders),
            [
                units(&["runs", "both", "strange"]),
                units(&["reloads"]),
                units(&["bad", "idle"])
            ]
        );
    }

    #[test]
    fn what_a_switch_does_itself_is_left_to_it() {
        let switch = Switch::that_does(&["runs"], &["bad", "both"], &["reloads", "both"]);
        let orders = Orders::new(&requests(), &states(), &switch, None);
        assert_eq!(planned(orders), [units(&["both", "strange"]), units(&[]), units(&[])]);
    }

    #[test]
    fn a_unit_that_runs_is_not_left_to_a_switch_that_starts_it() {
        let switch = Switch::that_does(&[], &["runs", "reloads"], &[]);
        let requests = UnitRequests {
            restart: units(&["runs"]),
            reload: units(&["reloads"]),
        };
        let orders = Orders::new(&requests, &states(), &switch, None);
        assert_eq!(planned(orders), [units(&["runs"]), units(&["reloads"]), units(&[])]);
    }

    #[test]
    fn a_unit_with_two_names_is_told_once_by_the_name_that_a_switch_knows() {
        let mut states = states();
        let alias = State {
            id: Some("runs".to_owned()),
            ..states["runs"].clone()
        };
        states.insert("alias".to_owned(), alias);
        let requests = UnitRequests {
            restart: units(&["alias", "runs"]),
            reload: units(&["alias"]),
        };
        let told = |switch| planned(Orders::new(&requests, &states, &switch, None));
        assert_eq!(told(Switch::default()), [units(&["runs"]), units(&[]), units(&[])]);
        assert_eq!(
            told(Switch::that_does(&["runs"], &[], &[])),
            [units(&[]), units(&[]), units(&[])]
        );
    }
}
