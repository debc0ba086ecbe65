//! What came of a conversation, message by message.

use age_core::format::FileKey;

use super::failure::{Fault, PluginFailure};

/// What the plugin gave for each message.
pub(crate) struct Outcome {
    messages: Vec<Option<Result<FileKey, Fault>>>,
    /// Why there is nothing for a message of which the plugin said nothing.
    rest: Option<Fault>,
}

impl Outcome {
    /// Nothing yet for `count` messages.
    pub(crate) fn new(count: usize) -> Self {
        Self {
            messages: std::iter::repeat_with(|| None).take(count).collect(),
            rest: None,
        }
    }

    /// Takes a key for a message. A plugin gives one for a message that it was shown, once.
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

    /// The plugin failed on one message, or, without an index that exists, on all that it gives no key for. The first words count, and
    /// a question without an answer for more than any words after it: they are its consequence.
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

    /// A question was not answered, and none is asked any more.
    pub(crate) fn unanswered(&mut self, fault: Fault) {
        self.rest = Some(fault);
    }

    /// The result for each message. What ended the conversation too early is the reason where the plugin gave none.
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
