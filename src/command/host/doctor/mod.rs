//! Looks for what breaks hosts, and says for each finding what to do.

mod examination;
mod file_check;
mod finding;
mod key_check;
mod link_check;
mod mount_check;
mod unit_check;

#[cfg(test)]
pub(crate) use examination::Examination;
pub(crate) use examination::answer;
pub(crate) use unit_check::silent;
