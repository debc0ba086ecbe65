//! Which shares to put together, where some of them may be wrong.

use std::iter;

/// The shares of one group, of which one at most belongs to a choice.
pub(crate) struct Slot<'p> {
    /// What its entries gave; not empty.
    pub parts: Vec<&'p [u8]>,
    /// Whether every choice has a share of it.
    pub is_fixed: bool,
}

/// A share, or none, for each slot.
struct Choice<'p> {
    parts: Vec<Option<&'p [u8]>>,
    /// The first slot that may still be changed: no choice is made twice.
    changeable: usize,
}

/// At most `most` ways to take a share each of `size` slots or more. The first is what sops takes, the first share of every slot; then
/// come those with one slot left out, or another share of it, then those with two, and so on. So a few wrong shares are soon left
/// out, wherever they are.
pub(crate) fn choices<'p>(slots: &[Slot<'p>], size: usize, most: usize) -> Vec<Vec<&'p [u8]>> {
    let first = Choice {
        parts: slots.iter().map(|slot| slot.parts.first().copied()).collect(),
        changeable: 0,
    };
    let mut choices: Vec<Choice> = iter::once(first).filter(|choice| choice.len() >= size).take(most).collect();
    let mut done = 0;
    while let Some(choice) = choices.get(done) {
        let changed: Vec<_> = choice.changed(slots, size).take(most - choices.len()).collect();
        choices.extend(changed);
        done += 1;
    }
    choices
        .into_iter()
        .map(|choice| choice.parts.into_iter().flatten().collect())
        .collect()
}

impl<'p> Choice<'p> {
    /// How many shares it has.
    fn len(&self) -> usize {
        self.parts.iter().flatten().count()
    }

    /// The choices of at least `size` shares that differ from this one in one more slot.
    fn changed<'c>(&'c self, slots: &'c [Slot<'p>], size: usize) -> impl Iterator<Item = Self> + 'c {
        let may_leave_out = self.len() > size;
        slots.iter().enumerate().skip(self.changeable).flat_map(move |(index, slot)| {
            let left_out = iter::once(None).filter(move |_| may_leave_out && !slot.is_fixed);
            let others = slot.parts.iter().skip(1).map(|part| Some(*part));
            left_out.chain(others).map(move |part| self.with(index, part))
        })
    }

    /// The choice with another share of a slot.
    fn with(&self, index: usize, part: Option<&'p [u8]>) -> Self {
        let mut parts = self.parts.clone();
        if let Some(changed) = parts.get_mut(index) {
            *changed = part;
        }
        Self {
            parts,
            changeable: index + 1,
        }
    }
}
