//! Refuses the system calls that decryption does not need; seccomp(2).
//!
//! The lists say what is refused, not what is allowed. The calls of an allocator, of a libc and of a new thread change from
//! version to version. If a list of allowed calls lacked one, a host would not boot. If these lists lack one, Landlock and the
//! dropped capabilities still hold. For the same reason, a refused call fails with `EPERM`, and the process is not killed.

use std::collections::BTreeMap;

use rustix::{process::getpid, thread::gettid};
use seccompiler::{
    BackendError, BpfProgram, Error, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
    apply_filter, sock_filter,
};

/// Installs the filter for the current thread. If Landlock protects files, as it mostly does, only calls that Landlock does not
/// know are refused. This keeps the filter short, and installing it cheap: the kernel then runs it once for each of its system
/// calls.
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
    // The last instruction allows every call. It is put back at the end, behind the search for refused calls.
    let allowed = program.pop();
    calls.sort_unstable();
    program.push(instruction(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0, 0));
    program.extend(other_numbers());
    program.extend(search(&calls));
    program.extend(allowed);
    Ok(program)
}

/// Refuses every call that uses a number of the x32 ABI. Some kernels accept these numbers beside the usual ones, so a refused
/// call could be made by its other number.
#[cfg(target_arch = "x86_64")]
fn other_numbers() -> Vec<sock_filter> {
    const X32: u32 = 0x4000_0000;
    vec![
        instruction(libc::BPF_JMP | libc::BPF_JGE | libc::BPF_K, 0, 1, X32),
        instruction(libc::BPF_RET | libc::BPF_K, 0, 0, REFUSAL),
    ]
}

/// This architecture has only one set of numbers.
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

/// A binary search for the number of the call among `calls`, which are in ascending order. `seccompiler` compares it with one
/// after the other, which takes ten times as long.
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
    // A jump skips at most 255 instructions. Half of the calls are fewer than sixty, with at most four instructions each.
    let over = u8::try_from(left.len()).unwrap_or(u8::MAX);
    let mut program = vec![instruction(libc::BPF_JMP | libc::BPF_JGE | libc::BPF_K, over, 0, *middle)];
    program.extend(left);
    program.extend(search(right));
    program
}

/// An instruction of the filter. If it is a comparison, `if_true` and `if_false` say how many of the following instructions are
/// skipped.
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

/// Calls that are refused only if a rule for them matches: if they name another process. A libc uses them to end the program and
/// to learn its own limits, which must stay possible.
fn sometimes() -> Result<BTreeMap<i64, Vec<SeccompRule>>, BackendError> {
    let ours = [
        (libc::SYS_tgkill, getpid().as_raw_pid()),
        (libc::SYS_tkill, gettid().as_raw_pid()),
        (libc::SYS_prlimit64, 0),
    ];
    let rule = |(call, id): (i64, i32)| Ok((call, vec![condition(0, SeccompCmpOp::Ne, u64::from(id.unsigned_abs()))?]));
    ours.into_iter().map(rule).collect()
}

/// The rules of [`sometimes`], and rules that refuse to open a file for writing.
fn sometimes_without_landlock() -> Result<BTreeMap<i64, Vec<SeccompRule>>, BackendError> {
    let mut rules = sometimes()?;
    rules.insert(libc::SYS_openat, for_writing(2)?);
    #[cfg(target_arch = "x86_64")]
    rules.insert(libc::SYS_open, for_writing(1)?);
    Ok(rules)
}

/// Rules that match if a file is opened for writing: any of these flags is set in the argument with this number.
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

// The lists leave out what already fails without its capability: mounts, modules, kexec, the clock, other users.

/// New connections, and sockets for others to connect to. Existing connections, such as the one to the journal, stay usable.
const SOCKETS: &[i64] = &[
    libc::SYS_accept,
    libc::SYS_accept4,
    libc::SYS_bind,
    libc::SYS_connect,
    libc::SYS_listen,
    libc::SYS_socket,
    libc::SYS_socketpair,
];

/// Starting programs and processes, reaching into other processes, and changing namespaces.
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

/// Changes that Landlock does not control: of modes, owners, groups, and extended attributes such as access control lists.
/// `ioctl` is here because it can type into a terminal.
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

/// Opening files by handle. The thread keeps the capability `DAC_READ_SEARCH` where it can, and with it this call would open files
/// outside of its container.
const HANDLES: &[i64] = &[libc::SYS_open_by_handle_at];

/// Interfaces of the kernel itself. `io_uring` is refused because it would do the refused calls on our behalf.
const SYSTEM: &[i64] = &[
    libc::SYS_add_key,
    libc::SYS_bpf,
    libc::SYS_io_uring_setup,
    libc::SYS_keyctl,
    libc::SYS_request_key,
    libc::SYS_userfaultfd,
];

/// Making, renaming, linking and removing files and directories, and calls that could do so without the filter seeing it.
const FILES: &[i64] = &[
    FILE_SETATTR,
    libc::SYS_linkat,
    libc::SYS_mkdirat,
    libc::SYS_mknodat,
    libc::SYS_mq_open,
    // The flags of `openat2` are in memory, where no filter can read them.
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

// Numbers that the crate `libc` does not have for all targets. Calls newer than Linux 5.0 have the same number on all
// architectures.
const PROCESS_MADVISE: i64 = 440;
const PROCESS_MRELEASE: i64 = 448;
const FCHMODAT2: i64 = 452;
const SETXATTRAT: i64 = 463;
const REMOVEXATTRAT: i64 = 466;
const FILE_SETATTR: i64 = 469;

#[cfg(test)]
mod tests;
