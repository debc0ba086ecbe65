//! Refuses the system calls that decryption does not need, by a filter of seccomp(2).
//!
//! The lists name the refused calls, not the allowed calls. The calls that an allocator, a libc and a new thread need change from
//! version to version. If a list of allowed calls lacked a needed call, a host would not boot. If a list of refused calls lacks a
//! dangerous call, Landlock and the dropped capabilities still hold. A refused call fails with `EPERM` and does not kill the
//! process, so that a host can boot even if a list names a needed call.

use std::collections::BTreeMap;

use rustix::{process::getpid, thread::gettid};
use seccompiler::{
    BackendError, BpfProgram, Error, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
    apply_filter, sock_filter,
};

/// Installs the filter for the current thread. If Landlock protects files, only calls that Landlock does not control are refused.
/// A short filter is cheap to install: at installation, the kernel runs the filter once for each system call that the kernel has.
pub(crate) fn refuse(has_landlock: bool) -> Result<(), Error> {
    apply_filter(&filter(has_landlock)?)
}

/// The filter program for the current thread, for the kernel's filter machine (BPF).
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
    // The last instruction of the compiled program allows every call. The instruction is moved to the end, after the search for
    // refused calls.
    let allowed = program.pop();
    calls.sort_unstable();
    program.push(instruction(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0, 0));
    program.extend(other_numbers());
    program.extend(search(&calls));
    program.extend(allowed);
    Ok(program)
}

/// Instructions that refuse all calls with numbers of the x32 ABI. Some kernels accept these numbers in addition to the usual
/// numbers. Without these instructions, a refused call could be made by its x32 number.
#[cfg(target_arch = "x86_64")]
fn other_numbers() -> Vec<sock_filter> {
    const X32: u32 = 0x4000_0000;
    vec![
        instruction(libc::BPF_JMP | libc::BPF_JGE | libc::BPF_K, 0, 1, X32),
        instruction(libc::BPF_RET | libc::BPF_K, 0, 0, REFUSAL),
    ]
}

/// No instructions: this architecture has only one set of call numbers.
#[cfg(not(target_arch = "x86_64"))]
fn other_numbers() -> Vec<sock_filter> {
    Vec::new()
}

/// The return value of the filter for a refused call: the call fails with `EPERM`.
const REFUSAL: u32 = libc::SECCOMP_RET_ERRNO | libc::EPERM.unsigned_abs();

fn compiled(rules: BTreeMap<i64, Vec<SeccompRule>>) -> Result<BpfProgram, Error> {
    let refusal = SeccompAction::Errno(libc::EPERM.unsigned_abs());
    let architecture = std::env::consts::ARCH.try_into()?;
    let filter = SeccompFilter::new(rules, SeccompAction::Allow, refusal, architecture)?;
    Ok(BpfProgram::try_from(filter)?)
}

/// Instructions for a binary search of the call number in `calls`, which are in ascending order. The crate `seccompiler` would
/// compare the number with each call in turn, which takes ten times as long.
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
    // A jump can skip at most 255 instructions. Half of all calls are fewer than sixty, and each needs at most four instructions.
    let over = u8::try_from(left.len()).unwrap_or(u8::MAX);
    let mut program = vec![instruction(libc::BPF_JMP | libc::BPF_JGE | libc::BPF_K, over, 0, *middle)];
    program.extend(left);
    program.extend(search(right));
    program
}

/// An instruction of the filter. For a comparison, `if_true` and `if_false` say how many of the following instructions are
/// skipped.
fn instruction(code: u32, if_true: u8, if_false: u8, operand: u32) -> sock_filter {
    sock_filter {
        code: u16::try_from(code).unwrap_or_default(),
        jt: if_true,
        jf: if_false,
        k: operand,
    }
}

/// The numbers of the calls that are always refused.
fn always() -> Vec<u32> {
    numbers(&[SOCKETS, PROCESSES, ATTRIBUTES, HANDLES, SYSTEM])
}

fn numbers(lists: &[&[i64]]) -> Vec<u32> {
    let calls = lists.concat();
    calls.into_iter().filter_map(|call| u32::try_from(call).ok()).collect()
}

/// Rules for calls that are refused only if they concern another process. A libc uses these calls to end the program and to read its
/// own limits, so they cannot be refused altogether.
fn sometimes() -> Result<BTreeMap<i64, Vec<SeccompRule>>, BackendError> {
    let ours = [
        (libc::SYS_tgkill, getpid().as_raw_pid()),
        (libc::SYS_tkill, gettid().as_raw_pid()),
        (libc::SYS_prlimit64, 0),
    ];
    let rule = |(call, id): (i64, i32)| Ok((call, vec![condition(0, SeccompCmpOp::Ne, u64::from(id.unsigned_abs()))?]));
    ours.into_iter().map(rule).collect()
}

/// The rules of [`sometimes`], and rules that refuse to open a file for writing. The rules about writing are needed if Landlock
/// does not protect files.
fn sometimes_without_landlock() -> Result<BTreeMap<i64, Vec<SeccompRule>>, BackendError> {
    let mut rules = sometimes()?;
    rules.insert(libc::SYS_openat, for_writing(2)?);
    #[cfg(target_arch = "x86_64")]
    rules.insert(libc::SYS_open, for_writing(1)?);
    Ok(rules)
}

/// Rules that match if a file is opened for writing. `argument` is the number of the argument with the flags. Each rule matches one
/// flag that means writing.
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

// The lists leave out calls that fail anyway, because they need a capability that the thread has dropped: mounts, modules, kexec,
// the clock, other users.

/// Calls that make new connections, or sockets to which others connect. Existing connections, such as the connection to the journal,
/// stay usable.
const SOCKETS: &[i64] = &[
    libc::SYS_accept,
    libc::SYS_accept4,
    libc::SYS_bind,
    libc::SYS_connect,
    libc::SYS_listen,
    libc::SYS_socket,
    libc::SYS_socketpair,
];

/// Calls that start programs and processes, access other processes, or change namespaces.
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

/// Calls that change modes, owners, groups, and extended attributes such as access control lists. Landlock does not control these
/// changes. `ioctl` is in the list because a program can use it to enter commands into a terminal.
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

/// The call that opens a file by its handle. With the capability `DAC_READ_SEARCH`, which the thread may keep, this call could open
/// files outside of its container.
const HANDLES: &[i64] = &[libc::SYS_open_by_handle_at];

/// Calls to interfaces of the kernel itself. `io_uring` is refused because the kernel would make refused calls on behalf of the
/// thread.
const SYSTEM: &[i64] = &[
    libc::SYS_add_key,
    libc::SYS_bpf,
    libc::SYS_io_uring_setup,
    libc::SYS_keyctl,
    libc::SYS_request_key,
    libc::SYS_userfaultfd,
];

/// Calls that make, change, rename, link or remove files and directories. The list also has calls whose effect the filter cannot
/// see, such as `openat2`.
const FILES: &[i64] = &[
    FILE_SETATTR,
    libc::SYS_linkat,
    libc::SYS_mkdirat,
    libc::SYS_mknodat,
    libc::SYS_mq_open,
    // The flags of `openat2` are in memory, and a filter cannot read memory. So `openat2` is always refused.
    libc::SYS_openat2,
    libc::SYS_renameat2,
    libc::SYS_symlinkat,
    libc::SYS_truncate,
    libc::SYS_unlinkat,
    libc::SYS_utimensat,
];

/// Older forms of the calls in [`FILES`]. Newer architectures never had these older forms.
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

// Call numbers that the crate `libc` does not have for all targets. Calls newer than Linux 5.0 have the same number on all
// architectures.
const PROCESS_MADVISE: i64 = 440;
const PROCESS_MRELEASE: i64 = 448;
const FCHMODAT2: i64 = 452;
const SETXATTRAT: i64 = 463;
const REMOVEXATTRAT: i64 = 466;
const FILE_SETATTR: i64 = 469;

#[cfg(test)]
mod tests;
