//! Collects the results of a conversation with a plugin, for each message.

use age_core::format::FileKey;

use super::failure::{Fault, PluginFailure};

/// The results that a plugin gave, for each message.
pub(crate) struct PluginOutcome {
    messages: Vec<Option<Result<FileKey, Fault>>>,
    /// The fault of all messages for which the plugin gave neither a key nor an error. `None` if there is no such fault yet.
    rest: Option<Fault>,
}

impl PluginOutcome {
    /// The outcome for `count` messages, before the plugin gave anything.
    pub(crate) fn new(count: usize) -> Self {
        Self {
            messages: std::iter::repeat_with(|| None).take(count).collect(),
            rest: None,
        }
    }

    /// Stores the file key for the message `index`.
    ///
    /// # Errors
    ///
    /// [`Fault::Broken`] if the key has a wrong length, if there is no such message, or if the message has a key already.
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

    /// Stores an error of the plugin for the message `index`. Without a valid `index`, the error counts for all messages that
    /// have neither a key nor an error. Of several errors, the first counts.
    ///
    /// If an earlier question of the plugin was not answered, the fault of that question is stored instead of `words`, since the
    /// error is only a consequence of the missing answer.
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

    /// Stores that a question was not answered. `fault` counts for all messages that have neither a key nor an error.
    pub(crate) fn unanswered(&mut self, fault: Fault) {
        self.rest = Some(fault);
    }

    /// The result for each message. A message without a result gets the fault that was stored for all such messages. If no such
    /// fault was stored, the message gets the fault with which the conversation ended (`end`), or else [`Fault::NoFit`].
    pub(crate) fn results(self, program: &str, end: Result<(), Fault>) -> Vec<Result<FileKey, PluginFailure>> {
        let rest = self.rest.or(end.err()).unwrap_or(Fault::NoFit);
        let failure = |fault| PluginFailure {
            program: program.to_owned(),
            fault,
            hidden: Vec::new(),
        };
        let messages = self.messages.into_iter();
        messages
            .map(|message| message.unwrap_or_else(|| Err(rest.clone())).map_err(failure))
            .collect()
    }
}
