//! Against real messages of gpg and sops.
