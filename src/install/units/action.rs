//! Decides what to do about a unit whose secret has changed. `docs/units.md` has the decisions as a table.

use super::state::{Activity, Load, Refusal, State};

/// The request for a unit, as the manifest makes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wish {
    /// The unit is in `restartUnits`.
    Restart,
    /// The unit is in `reloadUnits`.
    Reload,
}

/// The decision about a unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// Restart the unit.
    Restart,
    /// Reload the unit.
    Reload,
    /// Start the unit. The unit has failed, maybe because its secret was missing.
    Start,
    /// Do nothing. The unit does not run, and will read the new secret when it starts.
    Nothing,
    /// Do nothing, although the unit may use a changed secret. The value is the reason.
    Keep(Reason),
}

/// The reason why nothing is done about a unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Reason {
    /// systemd has no file of the unit.
    #[error("systemd has no unit of this name; correct restartUnits and reloadUnits")]
    Gone,
    /// The name belongs to a template unit.
    #[error(
        "it is a template, and only instances of a template can run; write the names of instances in restartUnits and reloadUnits"
    )]
    Template,
    /// The unit is a socket that runs. systemd starts a socket again only if its service does not run.
    #[error("it is a socket, which itself reads no secrets; in restartUnits and reloadUnits, name the service of the socket")]
    Socket,
    /// Somebody has masked the unit.
    #[error("it is masked")]
    Masked,
    /// A setting of the unit forbids the action.
    #[error(transparent)]
    Refused(Refusal),
}

/// Decides about a unit in the state `state`.
pub(crate) fn action(wish: Wish, state: &State) -> Action {
    match (state.load, state.activity) {
        (Load::Gone, _) => Action::Keep(Reason::Gone),
        (_, Activity::Idle) => Action::Nothing,
        (Load::Masked, _) => Action::Keep(Reason::Masked),
        (Load::There, Activity::Failed) => unless(state.refusals.iter().find(|refusal| refusal.is_of_start()), Action::Start),
        // A reload neither stops nor starts the unit.
        (Load::There, Activity::Runs) if state.can_reload && (wish == Wish::Reload || state.reload_if_changed) => Action::Reload,
        (Load::There, Activity::Runs) => unless(state.refusals.first(), Action::Restart),
    }
}

fn unless(refusal: Option<&Refusal>, action: Action) -> Action {
    refusal.map_or(action, |refusal| Action::Keep(Reason::Refused(*refusal)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unit(activity: Activity, can_reload: bool, refusals: &[Refusal]) -> State {
        State {
            id: None,
            load: Load::There,
            activity,
            can_reload,
            reload_if_changed: false,
            refusals: refusals.to_vec(),
            started: 0,
        }
    }

    /// One row of the table: what is done if the unit is in `restartUnits`, and if it is in `reloadUnits`.
    fn row(state: &State, restart: Action, reload: Action) {
        assert_eq!(action(Wish::Restart, state), restart, "restart: {state:?}");
        assert_eq!(action(Wish::Reload, state), reload, "reload: {state:?}");
    }

    const ALL: [Refusal; 4] = [
        Refusal::OnlyManualStart,
        Refusal::RefuseManualStart,
        Refusal::RefuseManualStop,
        Refusal::RestartIfChanged,
    ];

    #[test]
    fn a_unit_without_settings() {
        row(&unit(Activity::Runs, false, &[]), Action::Restart, Action::Restart);
        row(&unit(Activity::Runs, true, &[]), Action::Restart, Action::Reload);
        row(&unit(Activity::Failed, true, &[]), Action::Start, Action::Start);
        row(&unit(Activity::Idle, true, &ALL), Action::Nothing, Action::Nothing);
    }

    #[test]
    fn a_unit_that_is_gone_or_masked() {
        for activity in [Activity::Runs, Activity::Failed, Activity::Idle] {
            let mut state = unit(activity, true, &[]);
            state.load = Load::Gone;
            row(&state, Action::Keep(Reason::Gone), Action::Keep(Reason::Gone));
            state.load = Load::Masked;
            let wanted = match activity {
                Activity::Idle => Action::Nothing,
                _ => Action::Keep(Reason::Masked),
            };
            row(&state, wanted, wanted);
        }
    }

    #[test]
    fn settings_keep_a_unit_from_being_restarted_and_not_from_being_reloaded() {
        for refusal in ALL {
            let keep = Action::Keep(Reason::Refused(refusal));
            row(&unit(Activity::Runs, false, &[refusal]), keep, keep);
            row(&unit(Activity::Runs, true, &[refusal]), keep, Action::Reload);
        }
    }

    #[test]
    fn a_unit_that_a_change_reloads_is_reloaded_if_it_can_be() {
        for (can_reload, wanted) in [(true, Action::Reload), (false, Action::Restart)] {
            let mut state = unit(Activity::Runs, can_reload, &[]);
            state.reload_if_changed = true;
            row(&state, wanted, wanted);
        }
    }

    #[test]
    fn a_unit_that_has_failed_is_started_unless_it_must_not_be() {
        for refusal in ALL {
            let wanted = match refusal {
                Refusal::OnlyManualStart | Refusal::RefuseManualStart => Action::Keep(Reason::Refused(refusal)),
                _ => Action::Start,
            };
            row(&unit(Activity::Failed, true, &[refusal]), wanted, wanted);
        }
    }
}
