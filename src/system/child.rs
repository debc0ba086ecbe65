//! Runs a child process with limits of time and output.
//!
//! A child is killed if it passes its deadline, if its standard output passes the limit, or if this process is told to end.

use std::{
    fs::File,
    io::{self, Write as _},
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    process::{ChildStderr, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    fs::{OFlags, fcntl_getfl, fcntl_setfl},
    io::Errno,
};

use super::{
    child_environment,
    child_error::{ChildError, MOST_OUTPUT},
    pipe::{drain, is_later},
    plaintext::Plaintext,
    process_group::ProcessGroup,
    progress::Progress,
    stop,
};

/// Limit: at most this many bytes (64 KiB) of a child's standard error are kept. This is enough for gpg to report many recipients.
/// The rest is read and dropped, so that the child does not block on a full pipe.
const MOST_STDERR: usize = 64 << 10;

/// A running child in a process group of its own. When the value is dropped, the whole group is killed.
pub(crate) struct Child {
    group: ProcessGroup,
    has_ended: bool,
    /// Whether the child goes on if this process is told to end.
    goes_on: bool,
    late_at: Instant,
    progress: Progress,
    timeout: Duration,
    output: Plaintext,
    stderr: Plaintext,
}

/// The result of a child that has ended.
pub(crate) struct Finished {
    /// The exit status of the child.
    pub status: ExitStatus,
    /// All bytes of the child's standard output.
    pub output: Plaintext,
    /// The beginning of the child's standard error. A child that was given a secret may repeat the secret here.
    pub stderr: String,
}

impl Child {
    /// Starts `command` with pipes on all three standard streams. `timeout` is the time for the whole life of the child. `progress`
    /// says what is waited for, if the child takes long. Credentials for key services are not in its environment.
    ///
    /// # Errors
    ///
    /// If the child cannot be started, or this process was told to end.
    pub(crate) fn start(command: &mut Command, timeout: Duration, progress: Progress) -> Result<Self, ChildError> {
        child_environment::hide_credentials(command);
        Self::start_with_credentials(command, timeout, progress)
    }

    /// Does what [`Self::start`] does for a program that may need credentials for key services: they stay in its environment.
    ///
    /// # Errors
    ///
    /// If the child cannot be started, or this process was told to end.
    pub(crate) fn start_with_credentials(
        command: &mut Command,
        timeout: Duration,
        progress: Progress,
    ) -> Result<Self, ChildError> {
        let pipes = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = Self::spawn(pipes, timeout, progress)?;
        child.never_block()?;
        Ok(child)
    }

    /// Starts `command`, which reads the file `input`. Whatever it prints counts as its standard error, in the order in which it comes. The
    /// environment is that of `command`.
    ///
    /// # Errors
    ///
    /// If the child cannot be started, or this process was told to end.
    pub(crate) fn start_on(
        command: &mut Command,
        input: File,
        timeout: Duration,
        progress: Progress,
    ) -> Result<Self, ChildError> {
        let (reader, writer) = io::pipe()?;
        let streams = command.stdin(input).stdout(writer.try_clone()?).stderr(writer);
        let mut child = Self::spawn(streams, timeout, progress)?;
        child.group.leader.stderr = Some(ChildStderr::from(OwnedFd::from(reader)));
        child.never_block()?;
        Ok(child)
    }

    /// Starts `command` with the streams that it has.
    fn spawn(command: &mut Command, timeout: Duration, progress: Progress) -> Result<Self, ChildError> {
        if stop::is_requested() {
            return Err(ChildError::Stopped);
        }
        child_environment::hide_own(command);
        Ok(Self {
            group: ProcessGroup::start(command)?,
            has_ended: false,
            goes_on: false,
            late_at: Instant::now() + timeout,
            progress,
            timeout,
            output: Plaintext::default(),
            stderr: Plaintext::default(),
        })
    }

    /// Writes `bytes` to the standard input of the child. If the child has closed its standard input, the rest is dropped, which is
    /// no error.
    ///
    /// # Errors
    ///
    /// If the child takes too long, or gives too much output.
    pub(crate) fn send(&mut self, mut bytes: &[u8]) -> Result<(), ChildError> {
        while !bytes.is_empty() && !self.has_ended {
            bytes = self.step(bytes)?;
        }
        Ok(())
    }

    /// Waits for more output. Returns `false` if the child will write no more.
    ///
    /// # Errors
    ///
    /// If the child takes too long, or gives too much output.
    pub(crate) fn receive(&mut self) -> Result<bool, ChildError> {
        let seen = self.output.len();
        while self.output.len() <= seen {
            if self.has_ended || self.group.leader.stdout.is_none() {
                return Ok(false);
            }
            self.step(&[])?;
        }
        Ok(true)
    }

    /// Closes the standard input of the child, so that it sees the end of what it was sent.
    pub(crate) fn close_input(&mut self) {
        self.group.leader.stdin = None;
    }

    /// The bytes that the child has written to standard output so far.
    pub(crate) fn output(&self) -> &[u8] {
        self.output.expose()
    }

    /// Moves the deadline back by `time`. A caller uses this if a person had to answer a question of the child, because the time
    /// for the answer does not count.
    pub(crate) fn forgive(&mut self, time: Duration) {
        self.late_at += time;
        self.progress.forgive(time);
    }

    /// Shortens the remaining time of the child to `time`. A shorter remaining time is kept.
    pub(crate) fn hurry(&mut self, time: Duration) {
        self.late_at = self.late_at.min(Instant::now() + time);
    }

    /// Closes the standard input of the child, and waits until the child ends.
    ///
    /// # Errors
    ///
    /// If the child takes too long, or gives too much output.
    pub(crate) fn finish(mut self) -> Result<Finished, ChildError> {
        self.end()?;
        let status = self.group.reap()?;
        Ok(self.finished(status))
    }

    /// Does what [`Self::finish`] does. Returns the exit status alone and, whether there is one or not, the beginning of the child's
    /// standard error.
    pub(crate) fn finish_heard(mut self) -> (Result<ExitStatus, ChildError>, Plaintext) {
        let status = self.end().and_then(|()| Ok(self.group.reap()?));
        (status, std::mem::take(&mut self.stderr))
    }

    /// Does what [`Self::finish`] does. But the child goes on if this process is told to end; and if the child ends in time, what it has
    /// started goes on.
    #[cfg(any(target_os = "macos", test))]
    pub(crate) fn finish_alone(mut self) -> Result<Finished, ChildError> {
        self.goes_on = true;
        self.end()?;
        let status = self.group.wait()?;
        Ok(self.finished(status))
    }

    /// Closes the standard input of the child, and reads its output until it ends.
    fn end(&mut self) -> Result<(), ChildError> {
        self.close_input();
        while !self.has_ended {
            self.step(&[])?;
        }
        Ok(())
    }

    /// What the child has written, and its exit status.
    fn finished(&mut self, status: ExitStatus) -> Finished {
        Finished {
            status,
            output: std::mem::take(&mut self.output),
            stderr: String::from_utf8_lossy(self.stderr.expose()).trim().to_owned(),
        }
    }

    /// Waits for an event, and then writes and reads as much as possible without blocking. All input and output goes through this
    /// function, so neither process ever blocks on a full pipe. Returns the part of `bytes` that is still to be written.
    fn step<'b>(&mut self, bytes: &'b [u8]) -> Result<&'b [u8], ChildError> {
        self.wait(!bytes.is_empty())?;
        let rest = self.write(bytes)?;
        let output = &mut self.output;
        let stdout = drain(&mut self.group.leader.stdout, |bytes| output.push(bytes))?;
        let stderr = &mut self.stderr;
        drain(&mut self.group.leader.stderr, |bytes| {
            let room = MOST_STDERR.saturating_sub(stderr.len()).min(bytes.len());
            stderr.push(bytes.get(..room).unwrap_or_default());
        })?;
        if stdout > MOST_OUTPUT || self.output.len() > MOST_OUTPUT {
            return Err(ChildError::TooMuch);
        }
        Ok(rest)
    }

    /// Waits until the child ends or writes output, until the deadline passes, or until this process is told to end. If
    /// `wants_write`, the wait also ends when the child can take more standard input.
    fn wait(&mut self, wants_write: bool) -> Result<(), ChildError> {
        let stdin = self.group.leader.stdin.as_ref().filter(|_| wants_write);
        let readable = |fd| PollFd::from_borrowed_fd(fd, PollFlags::IN);
        let mut events: Vec<PollFd<'_>> = vec![readable(self.group.end())];
        events.extend(self.group.leader.stdout.as_ref().map(|pipe| readable(pipe.as_fd())));
        events.extend(self.group.leader.stderr.as_ref().map(|pipe| readable(pipe.as_fd())));
        events.extend(stdin.map(|pipe| PollFd::from_borrowed_fd(pipe.as_fd(), PollFlags::OUT)));
        events.extend(stop::event().filter(|_| !self.goes_on));
        let left = self.late_at.saturating_duration_since(Instant::now());
        if stop::is_requested() && !self.goes_on {
            return Err(ChildError::Stopped);
        }
        if left.is_zero() {
            // Without this check, a child that writes without a pause would have no deadline: `poll` would always find output to
            // read.
            return Err(ChildError::Late(self.timeout));
        }
        self.progress.glance();
        let pause = self.progress.pause(left);
        let timeout = Timespec::try_from(pause).unwrap_or_default();
        match poll(&mut events, Some(&timeout)) {
            Ok(0) if pause < left => {}
            Ok(0) => return Err(ChildError::Late(self.timeout)),
            Ok(_) => self.has_ended = events.first().is_some_and(|end| !end.revents().is_empty()),
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    /// Writes as many `bytes` as the pipe to the child takes. Returns the rest.
    fn write<'b>(&mut self, bytes: &'b [u8]) -> Result<&'b [u8], ChildError> {
        let Some(pipe) = &mut self.group.leader.stdin else {
            return Ok(&[]);
        };
        if bytes.is_empty() {
            return Ok(bytes);
        }
        match pipe.write(bytes) {
            Ok(count) => Ok(bytes.get(count..).unwrap_or_default()),
            Err(error) if is_later(&error) => Ok(bytes),
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                self.group.leader.stdin = None;
                Ok(&[])
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Sets all pipes to the non-blocking mode. So only [`Self::wait`] ever waits, and that function knows the deadline.
    fn never_block(&self) -> Result<(), ChildError> {
        let pipes: [Option<BorrowedFd<'_>>; 3] = [
            self.group.leader.stdin.as_ref().map(AsFd::as_fd),
            self.group.leader.stdout.as_ref().map(AsFd::as_fd),
            self.group.leader.stderr.as_ref().map(AsFd::as_fd),
        ];
        for pipe in pipes.into_iter().flatten() {
            fcntl_setfl(pipe, fcntl_getfl(pipe)? | OFlags::NONBLOCK)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn start(script: &str, timeout: Duration) -> Child {
        Child::start(Command::new("sh").args(["-c", script]), timeout, Progress::silent()).unwrap()
    }

    fn finish(script: &str, input: &[u8]) -> Result<Finished, ChildError> {
        let mut child = start(script, Duration::from_secs(20));
        child.send(input)?;
        child.finish()
    }

    #[test]
    fn a_child_is_given_all_and_gives_all() {
        let input = vec![b'x'; 1 << 20];
        let finished = finish("cat; echo done >&2; exit 3", &input).unwrap();
        assert_eq!(finished.output.expose(), input);
        assert_eq!((finished.stderr.as_str(), finished.status.code()), ("done", Some(3)));
    }

    #[test]
    fn a_child_that_does_not_read_is_no_error() {
        let finished = finish("exec <&-; echo hello", &vec![0; 1 << 20]).unwrap();
        assert_eq!(finished.output.expose(), b"hello\n");
    }

    #[test]
    fn a_program_that_is_not_there_is_missing() {
        let error = Child::start(&mut Command::new("/nowhere/gpg"), Duration::ZERO, Progress::silent()).err();
        assert_eq!(error, Some(ChildError::Missing));
    }

    #[test]
    fn a_hanging_child_ends_with_all_that_it_started() {
        let directory = tempfile::tempdir().unwrap();
        let mark = directory.path().join("mark");
        let script = format!("(sleep 2; touch {}) & cat; sleep 60", mark.display());
        let mut child = start(&script, Duration::from_millis(200));
        let before = Instant::now();
        assert!(matches!(child.receive(), Err(ChildError::Late(_))));
        drop(child);
        assert!(before.elapsed() < Duration::from_secs(30));
        std::thread::sleep(Duration::from_secs(3));
        assert!(!mark.exists());
    }

    #[test]
    fn what_a_child_has_started_goes_on_if_it_is_asked_for() {
        let directory = tempfile::tempdir().unwrap();
        for (name, goes_on) in [("alone", true), ("together", false)] {
            let mark = directory.path().join(name);
            let child = start(
                &format!("(sleep 1; touch {}) & echo here", mark.display()),
                Duration::from_secs(20),
            );
            let finished = if goes_on { child.finish_alone() } else { child.finish() };
            assert_eq!(finished.unwrap().output.expose(), b"here\n");
            std::thread::sleep(Duration::from_secs(3));
            assert_eq!(mark.exists(), goes_on, "{name}");
        }
    }

    #[test]
    fn what_a_child_leaves_running_does_not_keep_its_pipes_from_ending() {
        let before = Instant::now();
        let finished = finish("sleep 30 & echo here", b"").unwrap();
        assert_eq!(finished.output.expose(), b"here\n");
        assert!(before.elapsed() < Duration::from_secs(20));
    }

    #[test]
    fn an_endless_answer_is_refused() {
        assert_eq!(finish("cat /dev/zero", b"").err(), Some(ChildError::TooMuch));
        let finished = finish("head -c 50000000 /dev/zero >&2; echo here", b"").unwrap();
        assert_eq!(finished.output.expose(), b"here\n");
    }

    #[test]
    fn a_child_that_never_stops_complaining_is_late_too() {
        let before = Instant::now();
        let error = start("cat /dev/zero >&2", Duration::from_millis(500)).finish().err();
        assert!(matches!(error, Some(ChildError::Late(_))));
        assert!(before.elapsed() < Duration::from_secs(20));
    }

    #[test]
    fn a_child_in_a_hurry_has_no_more_time_than_it_had() {
        for (timeout, hurry) in [(60_000, 300), (300, 60_000)] {
            let before = Instant::now();
            let mut child = start("sleep 60", Duration::from_millis(timeout));
            child.hurry(Duration::from_millis(hurry));
            assert!(child.finish().is_err());
            assert!(before.elapsed() < Duration::from_secs(20));
        }
    }

    #[test]
    fn what_a_child_makes_is_closed_to_others() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("file");
        finish(&format!("echo key > {}", file.display()), b"").unwrap();
        let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(file).unwrap().permissions());
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_conversation_goes_back_and_forth() {
        let mut child = start("while read -r line; do echo \"<$line>\"; done", Duration::from_secs(20));
        for (word, answer) in [("one\n", "<one>\n"), ("two\n", "<one>\n<two>\n")] {
            child.send(word.as_bytes()).unwrap();
            // A part of the answer may have arrived while `send` was running.
            while child.output().len() < answer.len() {
                assert!(child.receive().unwrap());
            }
            assert_eq!(child.output(), answer.as_bytes());
        }
        assert!(child.finish().unwrap().status.success());
    }
}
