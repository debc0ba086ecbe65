//! Reads the pipes to children without waiting.

use std::io::{self, Read};

use zeroize::Zeroizing;

use super::child_error::{ChildError, MOST_OUTPUT};

/// Reads the available bytes from `pipe`, and gives them to `take`. Stops soon after [`MOST_OUTPUT`] bytes. Closes the pipe at
/// the end of the stream. Returns the number of bytes.
pub(crate) fn drain<P: Read>(pipe: &mut Option<P>, mut take: impl FnMut(&[u8])) -> Result<usize, ChildError> {
    let mut chunk = Zeroizing::new([0; 4096]);
    let mut total = 0;
    while let Some(open) = pipe.as_mut().filter(|_| total <= MOST_OUTPUT) {
        match open.read(chunk.as_mut_slice()) {
            Ok(0) => *pipe = None,
            Ok(count) => {
                total += count;
                take(chunk.get(..count).unwrap_or_default());
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(total)
}

/// Whether the call that gave `error` may succeed later, because it would have blocked or was interrupted.
pub(crate) fn is_later(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
}
