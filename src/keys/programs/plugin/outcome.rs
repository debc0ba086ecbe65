//! What came of a conversation, message by message.

use age_core::format::FileKey;

use super::failure::{Fault, PluginFailure};

/// What the plugin gave for each message.
pub(crate) struct PluginOutcome {
    messages: Vec<Option<Result<FileKey, Fault>>>,
    /// The fault of all messages for which the plugin gave neither a key nor an error.
    rest: Option<Fault>,
}

impl PluginOutcome {
    /// The outcome for `count` messages before the plugin gave anything.
    pub(crate) fn new(count: usize) -> Self {
        Self {
            messages: std::iter::repeat_with(|| None).take(count).collect(),
            rest: None,
        }
    }

    /// Stores the file key for a message. It is a fault if the key has the wrong length, is for no message that the plugin was shown, or is
    /// the second for its message.
    pub(crate) fn give(&mut self, index: usize, key: &[u8]) -> Result<(), Fault> {
        let key = FileKey::try_init_with_mut(|bytes| {
            let is_key = key.len() == bytes.len();
            is_key
                .then(|| bytes.copy_from_slice(key))
                .ok_or(Fault::Broken("a key of the wrong length"))
        })?;
        let message = self.messages.get_mut(index);
        match message.ok_or(Fault::Broken("a key for a message that it was not asked for"))? {
            Some(Ok(_)) => Err(Fault::Broken("two keys for one message")),
            message => {
                *message = Some(Ok(key));
                Ok(())
            }
        }
    }

    /// Stores an error of the plugin for the message `index`, or, if that is missing or unknown, for all messages without a key. The first
    /// error counts. If a question was not answered before, that is stored instead of `words`, which are then only its consequence.
    pub(crate) fn fail(&mut self, index: Option<usize>, words: String) {
        let asked = self
            .rest
            .clone()
            .filter(|fault| matches!(fault, Fault::Asked(_) | Fault::Unanswered(_)));
        let fault = asked.unwrap_or(Fault::Said(words));
        match index.and_then(|index| self.messages.get_mut(index)) {
            Some(message) => {
                message.get_or_insert(Err(fault));
            }
            None => {
                self.rest.get_or_insert(fault);
            }
        }
    }

    /// Stores that a question was not answered. This is the fault of all messages without a key or an error.
    pub(crate) fn unanswered(&mut self, fault: Fault) {
        self.rest = Some(fault);
    }

    /// The result for each message. `end` is how the conversation ended: if it ended too early, that is the fault of messages to which the
    /// plugin gave none.
    pub(crate) fn results(self, program: &str, end: Result<(), Fault>) -> Vec<Result<FileKey, PluginFailure>> {
        let rest = self.rest.or(end.err()).unwrap_or(Fault::NoFit);
        let failure = |fault| PluginFailure {
            program: program.to_owned(),
            fault,
        };
        let messages = self.messages.into_iter();
        messages
            .map(|message| message.unwrap_or_else(|| Err(rest.clone())).map_err(failure))
            .collect()
    }
}
