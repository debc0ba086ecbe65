//! Confines the thread that reads and decrypts what others wrote.
//!
//! This thread gives up what decryption does not need, in three independent ways: it drops capabilities of root, restricts itself
//! by Landlock, and installs a filter of system calls. The process as a whole must still mount, write and start programs, so it
//! cannot give these up. Each way is used as far as the kernel, or the container, allows. If one is not possible, the work is
//! done all the same, because a host without its secrets may not boot.
//!
//! The limit of this: the thread shares its memory with the rest of the process. The confinement stops a mistake, and a thread
//! that a file has misled. It does not stop somebody who can make the thread write to any place in memory, because they can make
//! the other threads act.

mod confined;
mod restriction;
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64", target_arch = "riscv64"))]
mod system_calls;
#[cfg(test)]
mod tests;

pub use confined::{Confined, Unfinished};
