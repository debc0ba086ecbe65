//! Finds the conflict markers that git leaves in a file that it could not merge.

/// The line at which the first conflict begins, counted from 1; `None` if there is no conflict.
pub(crate) fn line(text: &[u8]) -> Option<usize> {
    let mut lines = (1..).zip(text.split(|byte| *byte == b'\n'));
    let (line, _) = lines.find(|(_, line)| line.starts_with(b"<<<<<<< "))?;
    lines.any(|(_, line)| line.starts_with(b">>>>>>> ")).then_some(line)
}
