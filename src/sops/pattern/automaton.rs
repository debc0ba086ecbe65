//! A compiled pattern, and how much work may be done with it.

use regex_automata::{
    Input,
    hybrid::{
        LazyStateID,
        dfa::{Cache, DFA},
    },
    nfa::thompson::{NFA, State},
};

use super::problem::PatternError;

/// The bytes for the states that were met. When they are used up, they are forgotten and found anew.
const MEMORY: usize = 4 << 20;
/// The work for all texts together, as [`Automaton::charge`] counts it: about two seconds. Forty thousand keys of sixty characters under
/// a pattern with two gaps of bounded length take half of it.
const WORK: usize = 1 << 29;

/// An automaton that finds its states when it meets them. A state that it knows takes the same short time whatever the pattern; to find
/// one takes the longer the larger it is, so that is what counts as work.
pub(crate) struct Automaton {
    dfa: DFA,
    cache: Cache,
    /// How many steps of the pattern take no character. To find a state, each of them is gone once at most.
    jumps: usize,
    /// The most bytes that a state had so far.
    largest: usize,
    work_left: usize,
}

impl Automaton {
    /// `None` where there is none for the pattern.
    pub(crate) fn new(nfa: NFA) -> Option<Self> {
        let limits = DFA::config().cache_capacity(MEMORY).skip_cache_capacity_check(true);
        let jumps = nfa.states().iter().map(jumps).sum();
        let dfa = DFA::builder().configure(limits).build_from_nfa(nfa).ok()?;
        Some(Self {
            cache: dfa.create_cache(),
            dfa,
            jumps,
            largest: 0,
            work_left: WORK,
        })
    }

    /// Whether a match ends anywhere in the text.
    ///
    /// # Errors
    /// When the work for all texts is spent.
    pub(crate) fn matches(&mut self, text: &[u8]) -> Result<bool, PatternError> {
        let mut state = self.find(|dfa, cache| dfa.start_state_forward(cache, &Input::new(text)).ok())?;
        for &byte in text {
            if state.is_tagged() {
                return Ok(state.is_match());
            }
            let known = self.dfa.next_state_untagged(&self.cache, state, byte);
            state = if known.is_unknown() {
                self.charge()?;
                self.find(|dfa, cache| dfa.next_state(cache, state, byte).ok())?
            } else {
                known
            };
        }
        let end = self.find(|dfa, cache| dfa.next_eoi_state(cache, state).ok())?;
        Ok(state.is_match() || end.is_match())
    }

    /// Counts a state that has to be found.
    fn charge(&mut self) -> Result<(), PatternError> {
        let work = self.jumps.saturating_add(self.largest);
        self.work_left = self.work_left.checked_sub(work).ok_or(PatternError::TooSlow)?;
        Ok(())
    }

    /// Finds a state, and learns how large it is if it is new.
    fn find(&mut self, state: impl FnOnce(&DFA, &mut Cache) -> Option<LazyStateID>) -> Result<LazyStateID, PatternError> {
        let before = self.cache.memory_usage();
        let state = state(&self.dfa, &mut self.cache).ok_or(PatternError::TooSlow)?;
        let grown = self.cache.memory_usage().saturating_sub(before);
        self.largest = self.largest.max(grown);
        Ok(state)
    }
}

/// How many states are reached from this one without a character.
fn jumps(state: &State) -> usize {
    match state {
        State::Union { alternates } => alternates.len(),
        State::BinaryUnion { .. } => 2,
        State::Look { .. } | State::Capture { .. } => 1,
        _ => 0,
    }
}
