//! The system calls that decryption has no use for; seccomp(2).
//!
//! This is a list of what is refused, not of what is allowed. What an allocator, a libc or the start of a thread calls changes from
//! version to version, and one call missing among the allowed ones would be a host that does not boot; one missing here leaves the two
//! other walls. For the same reason a refused call fails with `EPERM`, and nobody is killed.

use std::collections::BTreeMap;

use rustix::{process::getpid, thread::gettid};
use seccompiler::{
    BackendError, BpfProgram, Error, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
    apply_filter, sock_filter,
};

/// Refuses them to this thread from now on. Where Landlock keeps files as they are, only what Landlock does not know is refused, which is
/// most of the time and has to cost little: the kernel runs a filter for each of its calls once when it is installed.
pub(crate) fn refuse(has_landlock: bool) -> Result<(), Error> {
    apply_filter(&filter(has_landlock)?)
}

/// The filter for this thread.
fn filter(has_landlock: bool) -> Result<BpfProgram, Error> {
    let (rules, mut calls) = if has_landlock {
        (sometimes()?, always())
    } else {
        (
            sometimes_without_landlock()?,
            [always(), numbers(&[FILES, OF_ARCHITECTURE])].concat(),
        )
    };
    let mut program = compiled(rules)?;
    // What it ends with: all is allowed.
    let allowed = program.pop();
    calls.sort_unstable();
    program.push(instruction(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0, 0));
    program.extend(other_numbers());
    program.extend(search(&calls));
    program.extend(allowed);
    Ok(program)
}

/// Refuses all calls by their numbers of the x32 ABI, which some kernels have beside the usual ones.
#[cfg(target_arch = "x86_64")]
fn other_numbers() -> Vec<sock_filter> {
    const X32: u32 = 0x4000_0000;
    vec![
        instruction(libc::BPF_JMP | libc::BPF_JGE | libc::BPF_K, 0, 1, X32),
        instruction(libc::BPF_RET | libc::BPF_K, 0, 0, REFUSAL),
    ]
}

/// There is one set of numbers.
#[cfg(not(target_arch = "x86_64"))]
fn other_numbers() -> Vec<sock_filter> {
    Vec::new()
}

/// What a refused call gets: `EPERM`.
const REFUSAL: u32 = libc::SECCOMP_RET_ERRNO | libc::EPERM.unsigned_abs();

fn compiled(rules: BTreeMap<i64, Vec<SeccompRule>>) -> Result<BpfProgram, Error> {
    let refusal = SeccompAction::Errno(libc::EPERM.unsigned_abs());
    let architecture = std::env::consts::ARCH.try_into()?;
    let filter = SeccompFilter::new(rules, SeccompAction::Allow, refusal, architecture)?;
    Ok(BpfProgram::try_from(filter)?)
}

/// Looks for the number of the call among these, in ascending order, by halves: `seccompiler` compares it with one after the other, which
/// takes ten times as long.
fn search(calls: &[u32]) -> BpfProgram {
    let (left, right) = calls.split_at(calls.len() / 2);
    let Some(middle) = right.first() else {
        return BpfProgram::new();
    };
    if left.is_empty() {
        return vec![
            instruction(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, 0, 1, *middle),
            instruction(libc::BPF_RET | libc::BPF_K, 0, 0, REFUSAL),
            instruction(libc::BPF_RET | libc::BPF_K, 0, 0, libc::SECCOMP_RET_ALLOW),
        ];
    }
    let left = search(left);
    // Fewer than 255: half of the calls are fewer than sixty, of four instructions each.
    let over = u8::try_from(left.len()).unwrap_or(u8::MAX);
    let mut program = vec![instruction(libc::BPF_JMP | libc::BPF_JGE | libc::BPF_K, over, 0, *middle)];
    program.extend(left);
    program.extend(search(right));
    program
}

/// An instruction of the filter; if it compares, so many behind it are passed over if that is true, and if it is false.
fn instruction(code: u32, if_true: u8, if_false: u8, operand: u32) -> sock_filter {
    sock_filter {
        code: u16::try_from(code).unwrap_or_default(),
        jt: if_true,
        jf: if_false,
        k: operand,
    }
}

/// What is always refused, each call by its number.
fn always() -> Vec<u32> {
    numbers(&[SOCKETS, PROCESSES, ATTRIBUTES, HANDLES, SYSTEM])
}

fn numbers(lists: &[&[i64]]) -> Vec<u32> {
    let calls = lists.concat();
    calls.into_iter().filter_map(|call| u32::try_from(call).ok()).collect()
}

/// Calls that are refused if one of their rules is met: those that name another process. What a libc does to end the program or to learn
/// of its own limits must be possible.
fn sometimes() -> Result<BTreeMap<i64, Vec<SeccompRule>>, BackendError> {
    let ours = [
        (libc::SYS_tgkill, getpid().as_raw_pid()),
        (libc::SYS_tkill, gettid().as_raw_pid()),
        (libc::SYS_prlimit64, 0),
    ];
    let rule = |(call, id): (i64, i32)| Ok((call, vec![condition(0, SeccompCmpOp::Ne, u64::from(id.unsigned_abs()))?]));
    ours.into_iter().map(rule).collect()
}

/// Those, and opening for writing.
fn sometimes_without_landlock() -> Result<BTreeMap<i64, Vec<SeccompRule>>, BackendError> {
    let mut rules = sometimes()?;
    rules.insert(libc::SYS_openat, for_writing(2)?);
    #[cfg(target_arch = "x86_64")]
    rules.insert(libc::SYS_open, for_writing(1)?);
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

// What the missing capabilities refuse in any case (mounts, modules, kexec, the clock, other users) is in none of these lists.

/// New connections, and ends for others to connect to. Connections that are there stay, as the one to the journal.
const SOCKETS: &[i64] = &[
    libc::SYS_accept,
    libc::SYS_accept4,
    libc::SYS_bind,
    libc::SYS_connect,
    libc::SYS_listen,
    libc::SYS_socket,
    libc::SYS_socketpair,
];

/// Programs and other processes, and a world of one's own.
const PROCESSES: &[i64] = &[
    libc::SYS_clone3,
    libc::SYS_execve,
    libc::SYS_execveat,
    libc::SYS_kcmp,
    libc::SYS_kill,
    libc::SYS_perf_event_open,
    libc::SYS_pidfd_getfd,
    libc::SYS_pidfd_send_signal,
    PROCESS_MADVISE,
    PROCESS_MRELEASE,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_ptrace,
    libc::SYS_rt_sigqueueinfo,
    libc::SYS_rt_tgsigqueueinfo,
    libc::SYS_setns,
    libc::SYS_unshare,
    libc::SYS_clone,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_fork,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_vfork,
];

/// Changes of files that Landlock does not know: modes, groups, and lists of who may read. (`ioctl` types into terminals.)
const ATTRIBUTES: &[i64] = &[
    #[cfg(target_arch = "x86_64")]
    libc::SYS_chmod,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_chown,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_lchown,
    libc::SYS_fchown,
    libc::SYS_fchownat,
    libc::SYS_fchmod,
    libc::SYS_fchmodat,
    FCHMODAT2,
    libc::SYS_setxattr,
    libc::SYS_lsetxattr,
    libc::SYS_fsetxattr,
    SETXATTRAT,
    libc::SYS_removexattr,
    libc::SYS_lremovexattr,
    libc::SYS_fremovexattr,
    REMOVEXATTRAT,
    libc::SYS_ioctl,
];

/// Files by their numbers: with the capability to read that is left, also those outside of what a container sees.
const HANDLES: &[i64] = &[libc::SYS_open_by_handle_at];

/// The kernel itself. `io_uring` would do what is refused here in our stead.
const SYSTEM: &[i64] = &[
    libc::SYS_add_key,
    libc::SYS_bpf,
    libc::SYS_io_uring_setup,
    libc::SYS_keyctl,
    libc::SYS_request_key,
    libc::SYS_userfaultfd,
];

/// Changes of files and directories.
const FILES: &[i64] = &[
    FILE_SETATTR,
    libc::SYS_linkat,
    libc::SYS_mkdirat,
    libc::SYS_mknodat,
    libc::SYS_mq_open,
    // Its flags lie in memory, where no filter sees them.
    libc::SYS_openat2,
    libc::SYS_renameat2,
    libc::SYS_symlinkat,
    libc::SYS_truncate,
    libc::SYS_unlinkat,
    libc::SYS_utimensat,
];

/// Older forms of the above, which newer architectures never had.
#[cfg(target_arch = "x86_64")]
const OF_ARCHITECTURE: &[i64] = &[
    libc::SYS_creat,
    libc::SYS_futimesat,
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
];
#[cfg(target_arch = "aarch64")]
const OF_ARCHITECTURE: &[i64] = &[libc::SYS_renameat];
#[cfg(target_arch = "riscv64")]
const OF_ARCHITECTURE: &[i64] = &[];

// What `libc` does not have everywhere. Calls that are newer than Linux 5.0 have the same number on all architectures.
const PROCESS_MADVISE: i64 = 440;
const PROCESS_MRELEASE: i64 = 448;
const FCHMODAT2: i64 = 452;
const SETXATTRAT: i64 = 463;
const REMOVEXATTRAT: i64 = 466;
const FILE_SETATTR: i64 = 469;

#[cfg(test)]
mod tests;
