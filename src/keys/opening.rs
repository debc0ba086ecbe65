//! One file on its way to its data key: what its entries gave so far, and what they are together.

use super::{Failure, shamir};
use crate::{
    plaintext::Plaintext,
    sops::{
        metadata::{KeyGroups, MasterKey},
        proof::KeyProof,
    },
};

/// The most ways to put shares together that are tried for one file. More than a few are there only where shares are wrong.
const MOST_CHOICES: usize = 500;

/// One file on its way to its data key.
pub struct Opening {
    groups: Vec<Group>,
    /// How many groups are needed.
    needed: usize,
    proof: KeyProof,
    key: Option<Plaintext>,
    /// How many more ways to put shares together may be tried.
    choices_left: usize,
    /// How many identities of the keyring were tried on it.
    pub(super) tried: usize,
}

/// Entries of which any one opens the group.
pub(super) struct Group {
    pub entries: Vec<Entry>,
}

/// One entry of the metadata.
pub(super) struct Entry {
    pub key: MasterKey,
    /// What kept it closed, each reason once.
    pub failures: Vec<Failure>,
    part: Option<Plaintext>,
    is_ours: bool,
    is_tried: bool,
}

/// An entry's place in its file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Spot {
    group: usize,
    entry: usize,
}

impl Opening {
    /// A file with these groups of keys, whose data key passes `proof`.
    #[must_use]
    pub fn new(groups: &KeyGroups, proof: KeyProof) -> Self {
        let count = groups.groups.len();
        let threshold = if groups.threshold == 0 { count } else { groups.threshold };
        Self {
            groups: groups.groups.iter().map(|group| Group::new(&group.keys)).collect(),
            // One share alone is never a secret that was shared.
            needed: if count > 1 { threshold.max(2) } else { 1 },
            proof,
            key: None,
            choices_left: MOST_CHOICES,
            tried: 0,
        }
    }

    /// Whether the data key is found.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.key.is_some()
    }

    /// Takes the data key out. Where the entries gave keys and none passed the proof, the first of them is the best there is: decrypting
    /// with it tells what is wrong with the file.
    pub(super) fn take_key(&mut self) -> Option<Plaintext> {
        self.key.take().or_else(|| self.best_guess())
    }

    /// How many groups are needed.
    pub(super) fn needed(&self) -> usize {
        self.needed
    }

    pub(super) fn groups(&self) -> &[Group] {
        &self.groups
    }

    /// Marks the entries that name a key of this host: they are tried first.
    pub(super) fn mark(&mut self, is_ours: impl Fn(&MasterKey) -> bool) {
        for entry in self.groups.iter_mut().flat_map(|group| &mut group.entries) {
            entry.is_ours = is_ours(&entry.key);
        }
    }

    /// The closed entries that are still of use: those of closed groups, and all of them where the open groups would be enough and do
    /// not give the data key.
    pub(super) fn closed(&self) -> Vec<(Spot, &MasterKey)> {
        let mut closed = Vec::new();
        if self.is_open() {
            return closed;
        }
        let is_enough = self.open_groups() >= self.needed;
        for (group, content) in self.groups.iter().enumerate() {
            if is_enough || !content.is_open() {
                let entries = content.entries.iter().enumerate().filter(|(_, entry)| entry.part.is_none());
                closed.extend(entries.map(|(entry, content)| (Spot { group, entry }, &content.key)));
            }
        }
        closed
    }

    /// Tries the closed entries with `open`, which gives nothing where it has no say: one after the other until each group is open, and,
    /// where that is enough and does not give the data key, all others. Stops when the data key is found.
    pub(super) fn advance(&mut self, mut open: impl FnMut(Spot, &MasterKey) -> Option<Result<Plaintext, Failure>>) {
        for entry in self.groups.iter_mut().flat_map(|group| &mut group.entries) {
            entry.is_tried = false;
        }
        while let Some(spot) = self.next() {
            let is_share = self.groups.len() > 1;
            let Some(entry) = self.entry_mut(spot) else { return };
            entry.is_tried = true;
            match open(spot, &entry.key) {
                Some(Ok(part)) if is_part(&part, is_share) => {
                    entry.part = Some(part);
                    self.settle(spot);
                }
                Some(Ok(_)) => entry.fail(Failure::BadLength),
                Some(Err(failure)) => entry.fail(failure),
                None => {}
            }
        }
    }

    /// The next entry that is worth trying.
    fn next(&self) -> Option<Spot> {
        let closed = self.closed().into_iter().map(|(spot, _)| spot);
        closed
            .filter(|spot| self.entry(*spot).is_some_and(|entry| !entry.is_tried))
            .min_by_key(|spot| self.entry(*spot).is_none_or(|entry| !entry.is_ours))
    }

    fn entry(&self, spot: Spot) -> Option<&Entry> {
        self.groups.get(spot.group)?.entries.get(spot.entry)
    }

    fn entry_mut(&mut self, spot: Spot) -> Option<&mut Entry> {
        self.groups.get_mut(spot.group)?.entries.get_mut(spot.entry)
    }

    fn open_groups(&self) -> usize {
        self.groups.iter().filter(|group| group.is_open()).count()
    }

    /// Looks whether the parts are the data key, now that the one at `latest` is among them. What can be made without it was tried
    /// when the parts before it came.
    fn settle(&mut self, latest: Spot) {
        let mut parts = self.parts();
        let part = self
            .entry(latest)
            .and_then(|entry| entry.part.as_ref())
            .map(Plaintext::expose);
        let (Some(group), Some(part)) = (parts.get_mut(latest.group), part) else {
            return;
        };
        group.clear();
        let others = self.needed.saturating_sub(1);
        // A part that is the whole key is tried, however many there were.
        let most = if others == 0 { 1 } else { self.choices_left };
        let mut choices = choices(&parts, others, most);
        for choice in &mut choices {
            choice.push(part);
        }
        let mut keys = choices.iter().filter_map(|choice| put_together(choice));
        let key = keys.find(|key| self.proof.accepts(key));
        self.choices_left = self.choices_left.saturating_sub(choices.len());
        self.key = key;
    }

    /// What the first parts are together.
    fn best_guess(&self) -> Option<Plaintext> {
        let choices = choices(&self.parts(), self.needed, MOST_CHOICES);
        choices.iter().find_map(|choice| put_together(choice))
    }

    /// What the entries of each group gave.
    fn parts(&self) -> Vec<Vec<&[u8]>> {
        self.groups.iter().map(|group| group.parts().collect()).collect()
    }
}

impl Group {
    fn new(keys: &[MasterKey]) -> Self {
        let entry = |key: &MasterKey| Entry {
            key: key.clone(),
            failures: Vec::new(),
            part: None,
            is_ours: false,
            is_tried: false,
        };
        Self {
            entries: keys.iter().map(entry).collect(),
        }
    }

    /// Whether an entry of it was opened.
    pub fn is_open(&self) -> bool {
        self.parts().next().is_some()
    }

    /// What its entries gave.
    fn parts(&self) -> impl Iterator<Item = &[u8]> {
        self.entries.iter().filter_map(|entry| Some(entry.part.as_ref()?.expose()))
    }
}

impl Entry {
    fn fail(&mut self, failure: Failure) {
        if !self.failures.contains(&failure) {
            self.failures.push(failure);
        }
    }
}

/// Whether it is as long as a data key, or as a share of one, which has its number behind it.
fn is_part(part: &Plaintext, is_share: bool) -> bool {
    matches!(part.len().checked_sub(usize::from(is_share)), Some(16 | 24 | 32))
}

/// What parts could mean: one alone is the data key, more are shares of it.
fn put_together(choice: &[&[u8]]) -> Option<Plaintext> {
    match choice {
        [only] => Some(Plaintext::from(only.to_vec())),
        shares => shamir::combine(shares),
    }
}

/// At most `most` ways to take one part of `size` groups each, those of the first groups first.
fn choices<'p>(groups: &[Vec<&'p [u8]>], size: usize, most: usize) -> Vec<Vec<&'p [u8]>> {
    let mut choices: Vec<Vec<&[u8]>> = vec![Vec::new()];
    // How many parts the groups that are not looked at yet can add: a choice that they cannot complete is none.
    let mut behind = groups.iter().filter(|parts| !parts.is_empty()).count();
    for parts in groups.iter().filter(|parts| !parts.is_empty()) {
        behind = behind.saturating_sub(1);
        let mut longer = Vec::new();
        for choice in choices {
            if choice.len() < size {
                longer.extend(parts.iter().map(|part| [choice.as_slice(), &[*part]].concat()));
            }
            if choice.len() + behind >= size {
                longer.push(choice);
            }
        }
        longer.truncate(most);
        choices = longer;
    }
    choices.retain(|choice| choice.len() == size);
    choices.truncate(most);
    choices
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        keys::{KeySources, Keyring},
        sops::{SopsFile, format::Format, metadata::KeyGroup},
    };

    /// A file of the fixtures: what tells its data key, and the key.
    fn proof_and_key() -> (KeyProof, Plaintext) {
        let text = include_bytes!("../../tests/fixtures/3.13.2/nesting.json");
        let file = SopsFile::parse(Format::Json, text).unwrap();
        let mut keyring = Keyring::load(&KeySources {
            age_key: Some(Plaintext::from(include_str!("../../tests/fixtures/keys/age.txt").to_owned())),
            ..KeySources::default()
        });
        (file.metadata().proof(), keyring.data_key(file.metadata()).unwrap())
    }

    /// Whether a file opens whose groups have so many entries, and whose entries give these parts in order.
    fn opens(groups: &[usize], threshold: usize, proof: KeyProof, parts: Vec<Vec<u8>>) -> bool {
        let key = MasterKey::Age {
            recipient: String::new(),
            encrypted: String::new(),
        };
        let groups = groups.iter().map(|count| KeyGroup {
            keys: vec![key.clone(); *count],
        });
        let groups = KeyGroups {
            groups: groups.collect(),
            threshold,
        };
        let mut opening = Opening::new(&groups, proof);
        let mut parts = parts.into_iter();
        opening.advance(|_, _| Some(Ok(Plaintext::from(parts.next()?))));
        opening.is_open()
    }

    #[test]
    fn each_way_to_leave_out_wrong_shares_is_tried() {
        let shares: Vec<[u8; 1]> = (0..12).map(|number| [number]).collect();
        let groups: Vec<Vec<&[u8]>> = shares.iter().map(|share| vec![share.as_slice()]).collect();
        let ways = choices(&groups, 10, MOST_CHOICES);
        // 12 over 10.
        assert_eq!(ways.len(), 66);
        assert!(ways.iter().any(|way| !way.contains(&shares[0].as_slice())));
        assert_eq!(choices(&groups, 10, 5), ways[..5]);
        assert_eq!(choices(&groups, 13, MOST_CHOICES).len(), 0);
    }

    #[test]
    fn right_shares_are_found_among_wrong_ones_up_to_500_choices() {
        // 32 shares make 496 pairs, and 33 make 528.
        for (wrong, is_open) in [(0, true), (30, true), (31, false), (100, false)] {
            let (proof, key) = proof_and_key();
            // On the lines from the bytes of the key with the slope 1.
            let right = |number: u8| key.expose().iter().map(|byte| byte ^ number).chain([number]).collect();
            let wrongs = (0..wrong).map(|number| [vec![0; 32], vec![number + 3]].concat());
            let parts: Vec<_> = wrongs.chain([right(1), right(2)]).collect();
            assert_eq!(opens(&vec![1; parts.len()], 2, proof, parts), is_open, "{wrong}");
        }
    }

    #[test]
    fn a_part_that_is_the_whole_key_is_tried_however_many_there_were() {
        let (proof, key) = proof_and_key();
        let mut parts = vec![vec![9; 32]; 599];
        parts.push(key.expose().to_vec());
        assert!(opens(&[600], 0, proof, parts));
    }
}
