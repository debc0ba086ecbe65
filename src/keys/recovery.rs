//! Holds the state of one sops file while its data key is looked for: which recipient entries were opened, and the shares of the
//! data key that the entries gave.

use super::{
    effort::FileTries,
    failure::EntryFailure,
    group::{EntryIndex, Group, RecipientEntry},
    shamir,
};
use crate::{
    sops::{
        metadata::{KeyGroups, MasterKey},
        proof::KeyProof,
    },
    system::plaintext::Plaintext,
};

/// The search for the data key of one sops file. The search ends when the data key is found.
pub struct DataKeyRecovery {
    /// The key groups of the file, in the order of the metadata.
    groups: Vec<Group>,
    /// The number of key groups that must be open to get the data key.
    needed: usize,
    /// The proof that the data key of the file has to pass.
    proof: KeyProof,
    /// What messages call the file; empty if nobody has said it.
    pub(crate) file: String,
    /// The data key. `None` while the data key is not found.
    key: Option<Plaintext>,
    /// How many identities and how many OpenPGP keys of the keyring were tried on the file. The keyring adds keys only at the
    /// ends of its lists. So the keys after these numbers were not tried yet.
    pub(crate) tried: (usize, usize),
}

impl DataKeyRecovery {
    /// Begins to look for the data key of a file with these key groups. No group is open yet. `proof` decides whether a key is the
    /// data key of the file.
    #[must_use]
    pub fn new(groups: &KeyGroups, proof: KeyProof) -> Self {
        Self {
            groups: groups.groups.iter().map(|group| Group::new(&group.keys)).collect(),
            needed: groups.needed(),
            proof,
            file: String::new(),
            key: None,
            tried: (0, 0),
        }
    }

    /// The same search, for the file that messages call `name`.
    #[must_use]
    pub(crate) fn of_file(mut self, name: String) -> Self {
        self.file = name;
        self
    }

    /// Whether the data key of the file is found.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.key.is_some()
    }

    /// Takes the data key out. If entries were opened, but no key passed the proof, the result is the key that sops would take.
    /// Decrypting the file with this key then fails, and the error shows what is wrong with the file.
    pub fn take_key(&mut self) -> Option<Plaintext> {
        self.key.take().or_else(|| self.candidate(None))
    }

    /// The proof that the data key of the file has to pass.
    #[must_use]
    pub fn proof(&self) -> &KeyProof {
        &self.proof
    }

    /// The names of the open key groups, such as `group 1`. The list is empty if the file has only one group.
    #[must_use]
    pub fn open_shares(&self) -> Vec<String> {
        let open = (1..).zip(&self.groups).filter(|(_, group)| group.is_open());
        let names = open.map(|(number, _)| format!("group {number}"));
        if self.groups.len() > 1 { names.collect() } else { Vec::new() }
    }

    /// Why other programs did not open entries of the file that are closed, as sentences.
    #[must_use]
    pub fn failures_of_programs(&self) -> Vec<&str> {
        let entries = self.groups.iter().flat_map(|group| &group.entries);
        let failures = entries.filter(|entry| entry.is_closed()).flat_map(|entry| &entry.failures);
        let words = failures.filter_map(|failure| match failure {
            EntryFailure::ProgramFailed(words) => Some(words.as_str()),
            _ => None,
        });
        words.collect()
    }

    /// The number of key groups that must be open to get the data key.
    pub(crate) fn needed(&self) -> usize {
        self.needed
    }

    pub(crate) fn groups(&self) -> &[Group] {
        &self.groups
    }

    /// A new set of tries for this file. The number of tries depends on the numbers of groups and entries.
    pub(crate) fn tries(&self) -> FileTries {
        let entries = self.groups.iter().map(|group| group.entries.len());
        FileTries::new(self.groups.len(), entries.sum())
    }

    /// Marks each recipient entry that names a key of this host, as `is_ours` decides. Marked entries are tried first.
    pub(crate) fn mark(&mut self, is_ours: impl Fn(&MasterKey) -> bool) {
        for entry in self.groups.iter_mut().flat_map(|group| &mut group.entries) {
            entry.is_ours = is_ours(&entry.key);
        }
    }

    /// The closed recipient entries that can still help to find the data key. Entries of open groups are left out at first. If
    /// enough groups are open and their shares do not make the data key, entries of open groups are included.
    pub(crate) fn closed(&self) -> Vec<(EntryIndex, &MasterKey)> {
        let mut closed = Vec::new();
        if self.is_open() {
            return closed;
        }
        let is_enough = self.is_enough();
        for (group, content) in self.groups.iter().enumerate() {
            if is_enough || !content.is_open() {
                let entries = content.entries.iter().enumerate().filter(|(_, entry)| entry.is_closed());
                closed.extend(entries.map(|(entry, content)| (EntryIndex { group, entry }, &content.key)));
            }
        }
        closed
    }

    /// Tries the closed recipient entries with `open`, until the data key is found. `open` returns `None` for an entry that it
    /// cannot try.
    ///
    /// Entries of open groups are skipped at first, since each group needs only one share. If enough groups are open and their
    /// shares do not make the data key, the skipped entries are tried too.
    pub(crate) fn advance(&mut self, mut open: impl FnMut(EntryIndex, &MasterKey) -> Option<Result<Plaintext, EntryFailure>>) {
        let mut waiting = self.ours_first();
        while !self.is_open() && !waiting.is_empty() {
            let was_enough = self.is_enough();
            let mut indices = std::mem::take(&mut waiting).into_iter();
            for index in indices.by_ref() {
                if !was_enough && self.has_open_group(index) {
                    waiting.push(index);
                } else if self.try_entry(index, &mut open) && (self.is_open() || self.is_enough() != was_enough) {
                    break;
                }
            }
            if self.is_enough() == was_enough {
                return;
            }
            // Enough groups are open now, but their shares do not make the data key. So each remaining entry may have a better
            // share.
            waiting.extend(indices);
            waiting.sort_by_key(|index| self.rank(*index));
        }
    }

    /// Tries the recipient entry at `index` with `open`. Returns whether the entry gave a data key or a share.
    fn try_entry(
        &mut self,
        index: EntryIndex,
        open: &mut impl FnMut(EntryIndex, &MasterKey) -> Option<Result<Plaintext, EntryFailure>>,
    ) -> bool {
        let is_share = self.groups.len() > 1;
        let Some(group) = self.groups.get_mut(index.group) else {
            return false;
        };
        let Some(entry) = group.entries.get_mut(index.entry) else {
            return false;
        };
        match open(index, &entry.key) {
            Some(Ok(part)) if is_part(&part, is_share) => {
                group.take(index.entry, part);
                self.settle(index);
                return true;
            }
            Some(Ok(_)) => entry.fail(EntryFailure::BadLength),
            Some(Err(failure)) => entry.fail(failure),
            None => {}
        }
        false
    }

    /// The indices of all closed recipient entries. Entries that name a key of this host come first.
    fn ours_first(&self) -> Vec<EntryIndex> {
        let groups = self.groups.iter().enumerate();
        let all = groups.flat_map(|(group, content)| (0..content.entries.len()).map(move |entry| EntryIndex { group, entry }));
        let mut closed: Vec<_> = all
            .filter(|index| self.entry(*index).is_some_and(RecipientEntry::is_closed))
            .collect();
        closed.sort_by_key(|index| self.rank(*index));
        closed
    }

    /// The sort key for the order of tries: entries that name a key of this host come first.
    fn rank(&self, index: EntryIndex) -> (bool, EntryIndex) {
        (self.entry(index).is_none_or(|entry| !entry.is_ours), index)
    }

    fn entry(&self, index: EntryIndex) -> Option<&RecipientEntry> {
        self.groups.get(index.group)?.entries.get(index.entry)
    }

    /// Whether the key group of an entry is open.
    pub(crate) fn has_open_group(&self, index: EntryIndex) -> bool {
        self.groups.get(index.group).is_some_and(Group::is_open)
    }

    /// Whether enough key groups are open to make the data key.
    pub(crate) fn is_enough(&self) -> bool {
        self.open_groups() >= self.needed
    }

    fn open_groups(&self) -> usize {
        self.groups.iter().filter(|group| group.is_open()).count()
    }

    /// Checks whether the parts make the data key, after the recipient entry `new` has given a part. A part is the data key or a
    /// share of it.
    ///
    /// Two combinations are tried. One takes the part of `new`, and the first part of every other group. The other takes the last
    /// part of every group. The second combination is needed after a merge of two branches with rotated keys: then each group may
    /// have an old share before the right one.
    fn settle(&mut self, new: EntryIndex) {
        let is_key = |key: &Plaintext| self.proof.accepts(key);
        let has_choice = |(index, group): (usize, &Group)| index != new.group && group.part(None) != group.last_part();
        let of_last = || {
            let differs = self.groups.iter().enumerate().any(has_choice);
            differs.then(|| self.together(self.groups.iter().map(Group::last_part)))?
        };
        self.key = self.candidate(Some(new)).filter(is_key).or_else(|| of_last().filter(is_key));
    }

    /// Puts one part of each group together: the part of `new` for the group of `new`, and the first part for every other group.
    ///
    /// sops takes the first part of every group. The result is the key of sops if there is no `new`, or if the part of `new` is the
    /// first part of its group.
    fn candidate(&self, new: Option<EntryIndex>) -> Option<Plaintext> {
        let groups = self.groups.iter().enumerate();
        self.together(groups.map(|(index, group)| group.part(new.filter(|new| new.group == index))))
    }

    /// Puts parts together, at most one of each group. If the file has one group, its part is the data key itself. Otherwise the
    /// parts are shares. Returns `None` if there are fewer shares than needed.
    fn together<'p>(&self, parts: impl Iterator<Item = Option<&'p [u8]>>) -> Option<Plaintext> {
        let parts: Vec<_> = parts.flatten().collect();
        match parts[..] {
            [only] if self.groups.len() == 1 => Some(Plaintext::from(only.to_vec())),
            _ if parts.len() < self.needed => None,
            _ => shamir::combine(&parts),
        }
    }
}

/// Whether `part` has a possible length. A data key has 16, 24 or 32 bytes. A share has one byte more: the number of the share, at
/// the end.
fn is_part(part: &Plaintext, is_share: bool) -> bool {
    matches!(part.len().checked_sub(usize::from(is_share)), Some(16 | 24 | 32))
}
