//! Confines the thread that reads and decrypts files which others may have written.
//!
//! The thread gives up all rights that decryption does not need, in three independent steps: it drops capabilities of root,
//! restricts itself by Landlock, and installs a filter of system calls. The process as a whole cannot give up these rights,
//! because it must still mount, write and start programs. Each step goes as far as the kernel or the container allows. If a step
//! is not possible, the work is still done: a host that does not get its secrets might not boot.
//!
//! The confinement has a limit: the thread shares its memory with the rest of the process. The confinement limits the harm of a
//! mistake in this program, or of a file that misleads the thread. It does not stop an attacker who can make the thread write to
//! any place in memory, because such an attacker can control the other threads.
//!
//! macOS has none of the three steps for a single thread. There, the thread only has limits of time and of its stack.

mod confined;
#[cfg(target_os = "linux")]
mod restriction;
#[cfg(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64", target_arch = "riscv64")
))]
mod system_calls;
#[cfg(test)]
mod tests;

pub use confined::{Confined, Unfinished};
pub(crate) use confined::{GLANCE, Pending};
