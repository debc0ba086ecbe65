//! From contents to `/run/secrets`.
