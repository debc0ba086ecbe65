//! Makes each kind of call in the table of `docs/reliability.md` behind the filter.
//!
//! A Python script makes the calls. It first installs the same filter that our thread would install. The tests cannot make the
//! calls themselves: for many of these calls no library has a function, and without a library a call needs unsafe code.

use std::{
    io::{ErrorKind, Write as _},
    process::Command,
    thread,
};

use super::*;

const EPERM: i32 = libc::EPERM;

/// A call that does no harm if it is allowed: its name, its number, and its arguments in the form that the script reads.
type Probe = (&'static str, i64, &'static str);

/// Makes each call behind `filter`, or without a filter. Returns how each call ended: 0, or the number of the error. Returns `None`
/// if there is no Python.
fn probe(filter: Option<&BpfProgram>, probes: &[Probe]) -> Option<Vec<i32>> {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    for instruction in filter.into_iter().flatten() {
        let operand = instruction.k.to_ne_bytes();
        file.write_all(&instruction.code.to_ne_bytes()).unwrap();
        file.write_all(&[instruction.jt, instruction.jf]).unwrap();
        file.write_all(&operand).unwrap();
    }
    let mut command = Command::new("python3");
    command.args(["-c", include_str!("probe.py")]);
    match filter {
        Some(_) => command.arg(file.path()),
        None => command.arg("-"),
    };
    command.args(probes.iter().map(|(_, number, arguments)| format!("{number}{arguments}")));
    let output = match command.output() {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let test = thread::current().name().unwrap_or_default().to_owned();
            let _ = std::io::stderr().write_all(format!("{test}: skipped: needs python3\n").as_bytes());
            return None;
        }
        outcome => outcome.unwrap(),
    };
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let results: Vec<_> = text.split(' ').map(|number| number.parse().unwrap()).collect();
    assert_eq!(results.len(), probes.len());
    Some(results)
}

/// Asserts that all calls are refused behind the filter that is used without Landlock. If `with_landlock` is true, the filter that
/// is used with Landlock must refuse all calls, too. A call that is refused even without a filter, as in a container, proves
/// nothing. The name of such a call is printed.
fn refused(probes: &[Probe], with_landlock: bool) {
    let Some(free) = probe(None, probes) else { return };
    let say = |what: &str, names: Vec<&str>| {
        let _ = writeln!(std::io::stderr(), "{what}: {names:?}");
    };
    let of = |results: &[i32], is_refused: bool| -> Vec<_> {
        let pairs = probes.iter().zip(results);
        pairs
            .filter(|(_, result)| (**result == EPERM) == is_refused)
            .map(|(probe, _)| probe.0)
            .collect()
    };
    let untold = of(&free, true);
    if !untold.is_empty() {
        say("skipped: refused without a filter too", untold);
    }
    for has_landlock in [true, false] {
        let results = probe(Some(&filter(has_landlock).unwrap()), probes).unwrap();
        let allowed = of(&results, false);
        if with_landlock || !has_landlock {
            assert!(allowed.is_empty(), "allowed: {allowed:?}, with Landlock: {has_landlock}");
        }
    }
}

#[test]
fn no_socket_of_any_kind_is_made() {
    let probes = [
        ("AF_UNIX", libc::SYS_socket, ":1:2:0"),
        ("AF_INET", libc::SYS_socket, ":2:1:0"),
        ("AF_INET6", libc::SYS_socket, ":10:2:0"),
        ("AF_NETLINK", libc::SYS_socket, ":16:3:0"),
        ("AF_VSOCK", libc::SYS_socket, ":40:1:0"),
        ("a pair", libc::SYS_socketpair, ":1:2:0:0"),
        ("connect", libc::SYS_connect, ":-1:0:0"),
        ("bind", libc::SYS_bind, ":-1:0:0"),
        ("listen", libc::SYS_listen, ":-1:1"),
        ("accept", libc::SYS_accept, ":-1:0:0"),
        ("accept4", libc::SYS_accept4, ":-1:0:0:0"),
    ];
    refused(&probes, true);
}

#[test]
fn no_program_is_started_and_no_process_made() {
    let probes = [
        ("execve", libc::SYS_execve, ":'/nowhere':0:0"),
        ("execveat", libc::SYS_execveat, ":-1:'nowhere':0:0:0"),
        // 0x10000 is CLONE_THREAD. The kernel refuses it without CLONE_VM, so this call makes no process, even without a filter.
        ("clone", libc::SYS_clone, ":0x10000:0:0:0:0"),
        ("clone3", libc::SYS_clone3, ":0:0"),
        ("unshare", libc::SYS_unshare, ":0x1"),
        ("setns", libc::SYS_setns, ":-1:0"),
    ];
    refused(&probes, true);
    // Without a filter, these two calls would make a process. So they are made only behind a filter.
    #[cfg(target_arch = "x86_64")]
    for has_landlock in [true, false] {
        let probes = [("fork", libc::SYS_fork, ""), ("vfork", libc::SYS_vfork, "")];
        let Some(results) = probe(Some(&filter(has_landlock).unwrap()), &probes) else {
            return;
        };
        assert_eq!(results, [EPERM; 2]);
    }
}

#[test]
fn other_processes_keep_their_memory_their_descriptors_and_their_limits_and_hear_no_signal() {
    // 0x7ffffff0 is the number of a process that cannot exist.
    let probes = [
        ("ptrace", libc::SYS_ptrace, ":16:0x7ffffff0:0:0"),
        ("process_vm_readv", libc::SYS_process_vm_readv, ":0x7ffffff0:0:0:0:0:0"),
        ("process_vm_writev", libc::SYS_process_vm_writev, ":0x7ffffff0:0:0:0:0:0"),
        ("process_madvise", PROCESS_MADVISE, ":-1:0:0:0:0"),
        ("process_mrelease", PROCESS_MRELEASE, ":-1:0"),
        ("kcmp", libc::SYS_kcmp, ":0x7ffffff0:0x7ffffff0:0:0:0"),
        ("perf_event_open", libc::SYS_perf_event_open, ":0:0:-1:-1:0"),
        ("pidfd_getfd", libc::SYS_pidfd_getfd, ":-1:0:0"),
        ("prlimit64", libc::SYS_prlimit64, ":0x7ffffff0:7:0:0"),
        ("kill", libc::SYS_kill, ":0x7ffffff0:0"),
        ("tkill", libc::SYS_tkill, ":0x7ffffff0:0"),
        ("tgkill", libc::SYS_tgkill, ":0x7ffffff0:0x7ffffff0:0"),
        ("rt_sigqueueinfo", libc::SYS_rt_sigqueueinfo, ":0x7ffffff0:0:0"),
        ("rt_tgsigqueueinfo", libc::SYS_rt_tgsigqueueinfo, ":0x7ffffff0:0x7ffffff0:0:0"),
        ("pidfd_send_signal", libc::SYS_pidfd_send_signal, ":-1:0:0:0"),
    ];
    refused(&probes, true);
}

#[test]
fn modes_groups_and_lists_of_who_may_read_stay_as_they_are() {
    let probes = [
        #[cfg(target_arch = "x86_64")]
        ("chmod", libc::SYS_chmod, ":'/nowhere':0"),
        #[cfg(target_arch = "x86_64")]
        ("chown", libc::SYS_chown, ":'/nowhere':0:0"),
        #[cfg(target_arch = "x86_64")]
        ("lchown", libc::SYS_lchown, ":'/nowhere':0:0"),
        ("fchmod", libc::SYS_fchmod, ":-1:0"),
        ("fchmodat", libc::SYS_fchmodat, ":-1:'nowhere':0"),
        ("fchmodat2", FCHMODAT2, ":-1:'nowhere':0:0"),
        ("fchown", libc::SYS_fchown, ":-1:0:0"),
        ("fchownat", libc::SYS_fchownat, ":-1:'nowhere':0:0:0"),
        ("setxattr", libc::SYS_setxattr, ":'/nowhere':'user.a':'b':1:0"),
        ("lsetxattr", libc::SYS_lsetxattr, ":'/nowhere':'user.a':'b':1:0"),
        ("fsetxattr", libc::SYS_fsetxattr, ":-1:'user.a':'b':1:0"),
        ("setxattrat", SETXATTRAT, ":-1:'nowhere':0:'user.a':0:0"),
        ("removexattr", libc::SYS_removexattr, ":'/nowhere':'user.a'"),
        ("lremovexattr", libc::SYS_lremovexattr, ":'/nowhere':'user.a'"),
        ("fremovexattr", libc::SYS_fremovexattr, ":-1:'user.a'"),
        ("removexattrat", REMOVEXATTRAT, ":-1:'nowhere':0:'user.a'"),
    ];
    refused(&probes, true);
}

#[test]
fn devices_and_terminals_are_told_nothing() {
    // The requests TCGETS and TIOCSTI, and a request that no device knows.
    let probes = [
        ("TCGETS", libc::SYS_ioctl, ":-1:0x5401:0"),
        ("TIOCSTI", libc::SYS_ioctl, ":-1:0x5412:0"),
        ("another", libc::SYS_ioctl, ":-1:0xdead:0"),
    ];
    refused(&probes, true);
}

#[test]
fn bpf_io_uring_keyrings_and_files_by_handle_are_out_of_reach() {
    let probes = [
        ("bpf", libc::SYS_bpf, ":-1:0:0"),
        ("io_uring_setup", libc::SYS_io_uring_setup, ":0:0"),
        ("userfaultfd", libc::SYS_userfaultfd, ":-1"),
        ("keyctl", libc::SYS_keyctl, ":-1:0:0:0:0"),
        ("add_key", libc::SYS_add_key, ":'user':'sops-install-secrets probe':'x':1:-1"),
        (
            "request_key",
            libc::SYS_request_key,
            ":'user':'sops-install-secrets probe':0:0",
        ),
        ("open_by_handle_at", libc::SYS_open_by_handle_at, ":-1:0:0"),
    ];
    refused(&probes, true);
}

#[test]
fn where_landlock_is_missing_no_file_is_opened_for_writing_and_no_directory_changed() {
    let probes = [
        ("O_WRONLY", libc::SYS_openat, ":-1:'nowhere':1:0"),
        ("O_RDWR", libc::SYS_openat, ":-1:'nowhere':2:0"),
        ("O_CREAT", libc::SYS_openat, ":-1:'nowhere':0o100:0"),
        ("O_TRUNC", libc::SYS_openat, ":-1:'nowhere':0o1000:0"),
        ("openat2", libc::SYS_openat2, ":-1:'nowhere':0:0"),
        ("truncate", libc::SYS_truncate, ":'/nowhere/x':0"),
        ("mkdirat", libc::SYS_mkdirat, ":-1:'nowhere':0"),
        ("mknodat", libc::SYS_mknodat, ":-1:'nowhere':0:0"),
        ("linkat", libc::SYS_linkat, ":-1:'nowhere':-1:'nowhere':0"),
        ("symlinkat", libc::SYS_symlinkat, ":'x':-1:'nowhere'"),
        ("unlinkat", libc::SYS_unlinkat, ":-1:'nowhere':0"),
        ("renameat2", libc::SYS_renameat2, ":-1:'nowhere':-1:'nowhere':0"),
        ("mq_open", libc::SYS_mq_open, ":'':0:0:0"),
        ("utimensat", libc::SYS_utimensat, ":-1:'nowhere':0:0"),
        ("file_setattr", FILE_SETATTR, ":-1:'nowhere':0:0:0"),
        #[cfg(target_arch = "x86_64")]
        ("open", libc::SYS_open, ":'/nowhere/x':1:0"),
        #[cfg(target_arch = "x86_64")]
        ("creat", libc::SYS_creat, ":'/nowhere/x':0"),
        #[cfg(target_arch = "x86_64")]
        ("mkdir", libc::SYS_mkdir, ":'/nowhere/x':0"),
        #[cfg(target_arch = "x86_64")]
        ("rmdir", libc::SYS_rmdir, ":'/nowhere/x'"),
        #[cfg(target_arch = "x86_64")]
        ("mknod", libc::SYS_mknod, ":'/nowhere/x':0:0"),
        #[cfg(target_arch = "x86_64")]
        ("link", libc::SYS_link, ":'/nowhere/x':'/nowhere/y'"),
        #[cfg(target_arch = "x86_64")]
        ("symlink", libc::SYS_symlink, ":'x':'/nowhere/y'"),
        #[cfg(target_arch = "x86_64")]
        ("unlink", libc::SYS_unlink, ":'/nowhere/x'"),
        #[cfg(target_arch = "x86_64")]
        ("rename", libc::SYS_rename, ":'/nowhere/x':'/nowhere/y'"),
        #[cfg(target_arch = "x86_64")]
        ("renameat", libc::SYS_renameat, ":-1:'nowhere':-1:'nowhere'"),
        #[cfg(target_arch = "x86_64")]
        ("utime", libc::SYS_utime, ":'/nowhere/x':0"),
        #[cfg(target_arch = "x86_64")]
        ("utimes", libc::SYS_utimes, ":'/nowhere/x':0"),
        #[cfg(target_arch = "x86_64")]
        ("futimesat", libc::SYS_futimesat, ":-1:'nowhere':0"),
    ];
    refused(&probes, false);
}

#[test]
fn what_decryption_needs_is_allowed() {
    let probes = [
        ("getpid", libc::SYS_getpid, ""),
        ("its own limits", libc::SYS_prlimit64, ":0:7:0:0"),
        ("a file to read", libc::SYS_openat, ":-100:'/':0:0"),
        ("a file without a name", libc::SYS_memfd_create, ":'x':0"),
    ];
    for has_landlock in [true, false] {
        let Some(results) = probe(Some(&filter(has_landlock).unwrap()), &probes) else {
            return;
        };
        assert_eq!(results, [0; 4]);
    }
}

#[cfg(target_arch = "x86_64")]
#[test]
fn the_numbers_of_x32_are_no_way_around() {
    let probes = [
        ("socket", libc::SYS_socket | 0x4000_0000, ":1:2:0"),
        ("getpid", libc::SYS_getpid | 0x4000_0000, ""),
    ];
    for has_landlock in [true, false] {
        let Some(results) = probe(Some(&filter(has_landlock).unwrap()), &probes) else {
            return;
        };
        assert_eq!(results, [EPERM; 2]);
    }
}

/// The answer of the filter `program` to a call of this number. The program is run as the kernel would run it.
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
    let mut calls = [always(), numbers(&[FILES, OF_ARCHITECTURE])].concat();
    calls.sort_unstable();
    for count in [1, 2, 3, always().len(), calls.len()] {
        let program = search(&calls[..count]);
        for call in 0..1000 {
            let is_refused = answer(&program, call) == REFUSAL;
            assert_eq!(is_refused, calls[..count].contains(&call), "{call} of {count}");
            assert!(is_refused || answer(&program, call) == libc::SECCOMP_RET_ALLOW);
        }
    }
    assert!(calls.len() < 120 && always().len() > 40, "{}", calls.len());
}
