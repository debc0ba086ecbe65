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
pub(super) fn refuse(has_landlock: bool) -> Result<(), Error> {
    let program = if has_landlock { short()? } else { long()? };
    apply_filter(&program)
}

/// Refuses what Landlock does not know.
fn short() -> Result<BpfProgram, Error> {
    let mut program = compiled(BTreeMap::new())?;
    // What an empty list ends with: all is allowed.
    let allowed = program.pop();
    let mut calls = always();
    calls.sort_unstable();
    program.push(instruction(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0, 0));
    program.extend(search(&calls));
    program.extend(allowed);
    Ok(program)
}

/// Refuses all that changes files or makes processes.
fn long() -> Result<BpfProgram, Error> {
    compiled(everything()?)
}

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
        let refusal = libc::SECCOMP_RET_ERRNO | libc::EPERM.unsigned_abs();
        return vec![
            instruction(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, 0, 1, *middle),
            instruction(libc::BPF_RET | libc::BPF_K, 0, 0, refusal),
            instruction(libc::BPF_RET | libc::BPF_K, 0, 0, libc::SECCOMP_RET_ALLOW),
        ];
    }
    let left = search(left);
    // Fewer than 255: there are fewer than fifty calls, of four instructions each.
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

/// What Landlock does not know, each call by its number.
fn always() -> Vec<u32> {
    let calls = [SOCKETS, PROCESSES, ATTRIBUTES, SYSTEM].concat();
    calls.into_iter().filter_map(|call| u32::try_from(call).ok()).collect()
}

/// That, and all that changes files or makes processes; where there are rules, a call is refused if one of them is met.
fn everything() -> Result<BTreeMap<i64, Vec<SeccompRule>>, BackendError> {
    let mut rules: BTreeMap<_, _> = always().into_iter().map(|call| (i64::from(call), Vec::new())).collect();
    rules.extend([FILES, OF_ARCHITECTURE].concat().into_iter().map(|call| (call, Vec::new())));
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

// What the missing capabilities refuse in any case (mounts, modules, kexec, the clock, other users) is in none of these lists.

/// New connections. Those that are there stay, as the one to the journal.
const SOCKETS: &[i64] = &[libc::SYS_connect, libc::SYS_socket, libc::SYS_socketpair];

/// Programs and other processes.
const PROCESSES: &[i64] = &[
    libc::SYS_clone3,
    libc::SYS_execve,
    libc::SYS_execveat,
    libc::SYS_kill,
    libc::SYS_pidfd_getfd,
    libc::SYS_pidfd_send_signal,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_ptrace,
    libc::SYS_rt_sigqueueinfo,
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
    libc::SYS_ioctl,
];

/// The kernel itself. `io_uring` would do what is refused here in our stead.
const SYSTEM: &[i64] = &[
    libc::SYS_bpf,
    libc::SYS_io_uring_setup,
    libc::SYS_keyctl,
    libc::SYS_userfaultfd,
];

/// Changes of files and directories, and a world of one's own.
const FILES: &[i64] = &[
    FILE_SETATTR,
    libc::SYS_fremovexattr,
    libc::SYS_linkat,
    libc::SYS_lremovexattr,
    libc::SYS_mkdirat,
    libc::SYS_mknodat,
    libc::SYS_mq_open,
    // Its flags lie in memory, where no filter sees them.
    libc::SYS_openat2,
    libc::SYS_removexattr,
    REMOVEXATTRAT,
    libc::SYS_renameat2,
    libc::SYS_symlinkat,
    libc::SYS_truncate,
    libc::SYS_unlinkat,
    libc::SYS_unshare,
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
const FCHMODAT2: i64 = 452;
const SETXATTRAT: i64 = 463;
const REMOVEXATTRAT: i64 = 466;
const FILE_SETATTR: i64 = 469;

#[cfg(test)]
mod tests {
    use super::*;

    /// What the program answers to a call of this number, as the kernel runs it.
    fn answer(program: &[sock_filter], call: u32) -> u32 {
        let mut at = 0;
        loop {
            let sock_filter { code, jt, jf, k } = &program[at];
            let is_true = match u32::from(*code) & 0xf0 {
                0x30 => call >= *k,
                0x10 => call == *k,
                _ => return *k,
            };
            at += 1 + usize::from(if is_true { *jt } else { *jf });
        }
    }

    #[test]
    fn the_search_refuses_the_calls_that_it_was_given_and_no_other() {
        let mut calls = always();
        calls.sort_unstable();
        for count in [1, 2, 3, calls.len()] {
            let program = search(&calls[..count]);
            for call in 0..1000 {
                let is_refused = answer(&program, call) == libc::SECCOMP_RET_ERRNO | 1;
                assert_eq!(is_refused, calls[..count].contains(&call), "{call} of {count}");
                assert!(is_refused || answer(&program, call) == libc::SECCOMP_RET_ALLOW);
            }
        }
        assert!(calls.len() < 50 && calls.len() > 20, "{}", calls.len());
    }
}
