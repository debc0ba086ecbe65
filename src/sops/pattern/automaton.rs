//! Matches texts with a compiled pattern. The states of the pattern are computed on demand, and this work is limited.

use regex_automata::{
    Input,
    hybrid::{
        LazyStateID,
        dfa::{Cache, DFA},
    },
    nfa::thompson::{NFA, State},
};

use super::problem::PatternError;

/// Limit: computed states may take at most this many bytes of memory (4 MiB). When this memory is full, all states are dropped and
/// computed again on demand.
const MEMORY: usize = 4 << 20;
/// Limit: all texts together may take at most this much work, as [`Automaton::charge`] counts work. This much work takes about two
/// seconds. An example takes half of it: a pattern with two gaps like `.{0,60}`, and forty thousand keys of sixty characters.
const WORK: usize = 1 << 29;

/// A lazy automaton, which computes a state when the state is first needed. A step to a known state takes the same short time
/// for every pattern. The time to compute a new state grows with the size of the state, so only such computations count as
/// work.
pub(crate) struct Automaton {
    dfa: DFA,
    cache: Cache,
    /// How many transitions of the pattern consume no character. The computation of a state follows each such transition at
    /// most once.
    jumps: usize,
    /// The size of the largest computed state of the pattern, in bytes.
    largest: usize,
    /// How much work the pattern may still take.
    work_left: usize,
}

impl Automaton {
    /// The automaton for a compiled pattern. Returns `None` if the library cannot build an automaton.
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

    /// Whether the pattern matches anywhere in the text.
    ///
    /// # Errors
    /// When the work for all texts together exceeds the limit.
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

    /// Counts the work to compute one state. Fails if the work exceeds the limit.
    fn charge(&mut self) -> Result<(), PatternError> {
        let work = self.jumps.saturating_add(self.largest);
        self.work_left = self.work_left.checked_sub(work).ok_or(PatternError::TooSlow)?;
        Ok(())
    }

    /// Looks up or computes a state with the function `state`. Notes the size of a new state.
    fn find(&mut self, state: impl FnOnce(&DFA, &mut Cache) -> Option<LazyStateID>) -> Result<LazyStateID, PatternError> {
        let before = self.cache.memory_usage();
        let state = state(&self.dfa, &mut self.cache).ok_or(PatternError::TooSlow)?;
        let grown = self.cache.memory_usage().saturating_sub(before);
        self.largest = self.largest.max(grown);
        Ok(state)
    }
}

/// How many transitions of a state consume no character.
fn jumps(state: &State) -> usize {
    match state {
        State::Union { alternates } => alternates.len(),
        State::BinaryUnion { .. } => 2,
        State::Look { .. } | State::Capture { .. } => 1,
        _ => 0,
    }
}
