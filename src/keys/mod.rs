//! From the host's keys to a file's data key.
