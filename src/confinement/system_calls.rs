//! The system calls that decryption has no use for; seccomp(2).
//!
//! This is a list of what is refused, not of what is allowed. What an allocator, a libc or the start of a thread calls changes from
//! version to version, and one call missing among the allowed ones would be a host that does not boot; one missing here leaves the two
//! other walls. For the same reason a refused call fails with `EPERM`, and nobody is killed.

use std::collections::BTreeMap;

use rustix::{process::getpid, thread::gettid};
use seccompiler::{
    BackendError, BpfProgram, Error, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
    apply_filter,
};

/// Refuses them to this thread from now on.
pub(super) fn refuse() -> Result<(), Error> {
    let refusal = SeccompAction::Errno(libc::EPERM.unsigned_abs());
    let architecture = std::env::consts::ARCH.try_into()?;
    let filter = SeccompFilter::new(rules()?, SeccompAction::Allow, refusal, architecture)?;
    apply_filter(&BpfProgram::try_from(filter)?)
}

/// Each call by its number; where there are rules, it is refused if one of them is met.
fn rules() -> Result<BTreeMap<i64, Vec<SeccompRule>>, BackendError> {
    let always = [SOCKETS, PROCESSES, FILES, SYSTEM, OF_ARCHITECTURE].concat();
    let mut rules: BTreeMap<_, _> = always.into_iter().map(|call| (call, Vec::new())).collect();
    rules.insert(libc::SYS_openat, for_writing(2)?);
    #[cfg(target_arch = "x86_64")]
    rules.insert(libc::SYS_open, for_writing(1)?);
    // What a libc does to end the program must be possible, to other processes nothing.
    let ours = [(libc::SYS_tgkill, getpid()), (libc::SYS_tkill, gettid())];
    for (call, id) in ours {
        let is_other = condition(0, SeccompCmpOp::Ne, u64::from(id.as_raw_pid().unsigned_abs()))?;
        rules.insert(call, vec![is_other]);
    }
    Ok(rules)
}

/// To open for writing: any of these flags in the argument with this number.
fn for_writing(argument: u8) -> Result<Vec<SeccompRule>, BackendError> {
    let flags = [libc::O_WRONLY, libc::O_RDWR, libc::O_CREAT, libc::O_TRUNC].map(|flag| u64::from(flag.unsigned_abs()));
    flags
        .into_iter()
        .map(|flag| condition(argument, SeccompCmpOp::MaskedEq(flag), flag))
        .collect()
}

fn condition(argument: u8, operator: SeccompCmpOp, value: u64) -> Result<SeccompRule, BackendError> {
    SeccompRule::new(vec![SeccompCondition::new(
        argument,
        SeccompCmpArgLen::Dword,
        operator,
        value,
    )?])
}

// The kernel walks the whole list for each of its calls when it is installed: each entry costs about four microseconds of every run. So what
// the missing capabilities refuse in any case (mounts, modules, kexec, the clock, other users) is not here.

/// New connections. Those that are there stay, as the one to the journal.
const SOCKETS: &[i64] = &[libc::SYS_connect, libc::SYS_socket, libc::SYS_socketpair];

/// Programs, other processes, and being somebody else.
const PROCESSES: &[i64] = &[
    libc::SYS_clone,
    libc::SYS_clone3,
    libc::SYS_execve,
    libc::SYS_execveat,
    libc::SYS_kill,
    libc::SYS_pidfd_send_signal,
    libc::SYS_process_vm_writev,
    libc::SYS_ptrace,
    libc::SYS_rt_sigqueueinfo,
    libc::SYS_unshare,
];

/// Changes of files, also those that Landlock does not know, such as of modes and owners. (`ioctl` types into terminals.)
const FILES: &[i64] = &[
    libc::SYS_fchmod,
    libc::SYS_fchmodat,
    FCHMODAT2,
    libc::SYS_fchown,
    libc::SYS_fchownat,
    FILE_SETATTR,
    libc::SYS_fsetxattr,
    libc::SYS_ioctl,
    libc::SYS_linkat,
    libc::SYS_lsetxattr,
    libc::SYS_mkdirat,
    libc::SYS_mknodat,
    libc::SYS_mq_open,
    // Its flags lie in memory, where no filter sees them.
    libc::SYS_openat2,
    libc::SYS_removexattr,
    REMOVEXATTRAT,
    libc::SYS_renameat2,
    libc::SYS_setxattr,
    SETXATTRAT,
    libc::SYS_symlinkat,
    libc::SYS_truncate,
    libc::SYS_unlinkat,
    libc::SYS_utimensat,
];

/// The kernel itself. `io_uring` would do what is refused here in our stead.
const SYSTEM: &[i64] = &[
    libc::SYS_add_key,
    libc::SYS_bpf,
    libc::SYS_io_uring_setup,
    libc::SYS_keyctl,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
];

/// Older forms of the above, which newer architectures never had.
#[cfg(target_arch = "x86_64")]
const OF_ARCHITECTURE: &[i64] = &[
    libc::SYS_chmod,
    libc::SYS_chown,
    libc::SYS_creat,
    libc::SYS_fork,
    libc::SYS_futimesat,
    libc::SYS_lchown,
    libc::SYS_link,
    libc::SYS_mkdir,
    libc::SYS_mknod,
    libc::SYS_rename,
    libc::SYS_renameat,
    libc::SYS_rmdir,
    libc::SYS_symlink,
    libc::SYS_unlink,
    libc::SYS_utime,
    libc::SYS_utimes,
    libc::SYS_vfork,
];
#[cfg(target_arch = "aarch64")]
const OF_ARCHITECTURE: &[i64] = &[libc::SYS_renameat];
#[cfg(target_arch = "riscv64")]
const OF_ARCHITECTURE: &[i64] = &[];

// What `libc` does not have everywhere. Calls that are newer than Linux 5.0 have the same number on all architectures.
const FCHMODAT2: i64 = 452;
const SETXATTRAT: i64 = 463;
const REMOVEXATTRAT: i64 = 466;
const FILE_SETATTR: i64 = 469;
