//! Least privilege for the steps that read and decrypt what others wrote.
//!
//! They run on a thread that has given up what decryption does not need, in three ways which do not depend on each other: root's
//! capabilities, Landlock, and a filter of system calls. The process as a whole must still mount, write and start programs, so it
//! cannot give them up. Each of the three is had as far as the kernel, or the container, lets us: where it does not, the work is done
//! all the same, since a host without its secrets may not boot.
//!
//! The limit of this: a thread shares its memory with the rest of the process. It is stopped from doing what it should not do, by a
//! mistake or misled by a file; who can make it write to any place in memory can have the other threads do it.

mod confined;
mod restriction;
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64", target_arch = "riscv64"))]
mod system_calls;
#[cfg(test)]
mod tests;

pub use confined::{Confined, Unfinished};
