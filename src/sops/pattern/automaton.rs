//! A compiled pattern that computes its states on demand, and the limit to this work.

use regex_automata::{
    Input,
    hybrid::{
        LazyStateID,
        dfa::{Cache, DFA},
    },
    nfa::thompson::{NFA, State},
};

use super::problem::PatternError;

/// The most bytes for the states that are kept: 4 MiB. When they are used up, all states are dropped and computed again on
/// demand.
const MEMORY: usize = 4 << 20;
/// The most work for all texts together, as [`Automaton::charge`] counts it. It takes about two seconds. Forty thousand keys of
/// sixty characters need half of it, with a pattern that has two gaps of bounded length.
const WORK: usize = 1 << 29;

/// A lazy automaton: it computes a state when it first needs it. A step to a known state takes the same short time for every
/// pattern. Computing a new state takes a time that grows with its size, so only this counts as work.
pub(crate) struct Automaton {
    dfa: DFA,
    cache: Cache,
    /// How many transitions of the pattern consume no character. Computing a state follows each of them at most once.
    jumps: usize,
    /// The size of the largest state so far in bytes.
    largest: usize,
    work_left: usize,
}

impl Automaton {
    /// The automaton for a pattern; `None` if none can be built.
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
    /// When the work for all texts exceeds the limit.
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

    /// Counts the work to compute one state.
    fn charge(&mut self) -> Result<(), PatternError> {
        let work = self.jumps.saturating_add(self.largest);
        self.work_left = self.work_left.checked_sub(work).ok_or(PatternError::TooSlow)?;
        Ok(())
    }

    /// Looks up or computes a state, and notes the size of a new one.
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
