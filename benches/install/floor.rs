//! The floor: a bare program that makes only the system calls and the cryptography that a result needs.
//!
//! It does not understand a manifest, a sops file or a key. The bench has written down for it, in a plan, where each encrypted value
//! begins, and it is told the data key. What a private key has to do for a file is computed with other numbers of the same size, and
//! thrown away.
//!
//! The result includes what is promised about the way to it. So the floor forbids core dumps, reads and decrypts on a confined thread,
//! reads the files of users and groups, waits for the lock, and gives each file and directory its owner.

use std::{
    fs,
    fs::File,
    hint::black_box,
    io::{BufReader, Read as _, Write as _},
    os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, chown, fchown, symlink},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use aes_gcm::{AeadInPlace as _, AesGcm, KeyInit as _, aead::consts::U32, aes::Aes256};
use age_core::primitives::{aead_decrypt, hkdf};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use crypto_bigint::{
    BoxedUint, Odd,
    modular::{BoxedMontyForm, BoxedMontyParams},
};
use curve25519_dalek::constants::X25519_BASEPOINT;
use ml_kem::{B32, KemCore as _, MlKem768, kem::Decapsulate as _};
use nix::mount::{MsFlags, mount};
use sha2::{Digest as _, Sha512};
use sops_install_secrets::system::{confinement::Confined, hardening::forbid_dumps};

use crate::inputs::{DATA_KEY, LAST_MODIFIED};

/// How much of a file is read at a time. In Base64, this is a whole number of bytes.
const PIECE: usize = 64 << 10;

/// Longer than any case takes.
const LONG: Duration = Duration::from_hours(1);

/// What is to be published: names and contents.
type Contents = Vec<(String, Vec<u8>)>;

/// Carries out the plan in a file, and ends.
pub fn run(plan: &Path) -> ! {
    forbid_dumps().unwrap();
    let plan = fs::read_to_string(plan).unwrap();
    // The confined thread can start no program.
    plan.lines()
        .filter_map(|line| line.strip_prefix("need program "))
        .for_each(start);
    let place: Vec<_> = plan.lines().next().unwrap().split(' ').skip(1).map(str::to_owned).collect();
    let is_again = plan.lines().any(|line| line == "again");
    let contents = Confined::default().run(LONG, move || opened(&plan)).unwrap();
    let (is_user, mount_point, link) = (place[0] == "true", Path::new(&place[1]), Path::new(&place[2]));
    // Who owns secrets and directories.
    let group = if is_user { None } else { black_box(directory_group()) };
    if is_again {
        compare(&contents, mount_point, link);
    } else {
        publish(&contents, group, mount_point, link);
    }
    std::process::exit(0);
}

/// What all files and templates of the plan give.
fn opened(plan: &str) -> Contents {
    let mut contents = Contents::new();
    let mut file = None;
    for line in plan.lines() {
        let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
        match verb {
            "file" => file = Some(OpenFile::open(rest)),
            "need" => compute(rest),
            "value" => file.as_mut().unwrap().value(rest, &mut contents),
            "template" => contents.push(rendered(rest, &contents)),
            _ => {}
        }
    }
    contents
}

/// The group `keys`, or `nogroup`. Reads the file of users as well, for the owners of the secrets.
fn directory_group() -> Option<u32> {
    black_box(fs::read("/etc/passwd").unwrap());
    let groups = fs::read_to_string("/etc/group").unwrap();
    let number = |name: &str| {
        groups
            .lines()
            .find_map(|line| line.strip_prefix(name)?.split(':').nth(2)?.parse().ok())
    };
    number("keys").or_else(|| number("nogroup"))
}

/// A sops file, which is read from its beginning to its end.
struct OpenFile {
    reader: BufReader<File>,
    position: i64,
    hash: Sha512,
    cipher: AesGcm<Aes256, U32>,
}

impl OpenFile {
    fn open(path: &str) -> Self {
        Self {
            reader: BufReader::with_capacity(PIECE, File::open(path).unwrap()),
            position: 0,
            hash: Sha512::new(),
            cipher: AesGcm::new(&DATA_KEY.into()),
        }
    }

    /// Decrypts one value, and adds it to the contents. The last value is the MAC of the others.
    fn value(&mut self, line: &str, contents: &mut Contents) {
        let [start, length, key, name] = *line.split(' ').collect::<Vec<_>>() else {
            panic!("{line}")
        };
        let start: i64 = start.parse().unwrap();
        let length: usize = length.parse().unwrap();
        self.reader.seek_relative(start - self.position).unwrap();
        let mut data = self.data(length);
        let mut rest = [0; ",iv:".len() + 44 + ",tag:".len() + 24];
        self.reader.read_exact(&mut rest).unwrap();
        self.position = start + i64::try_from(length + rest.len()).unwrap();
        let nonce = BASE64_STANDARD.decode(&rest[4..48]).unwrap();
        let tag = BASE64_STANDARD.decode(&rest[53..]).unwrap();
        let associated = if key == "mac" {
            LAST_MODIFIED.to_owned()
        } else {
            format!("{key}:")
        };
        let opened = self.cipher.decrypt_in_place_detached(
            nonce.as_slice().into(),
            associated.as_bytes(),
            &mut data,
            tag.as_slice().into(),
        );
        opened.unwrap();
        if key == "mac" {
            let hash = self.hash.finalize_reset();
            assert!(format!("{hash:X}").as_bytes() == data);
            return;
        }
        self.hash.update(&data);
        match contents.last_mut() {
            Some((last, content)) if last == name => content.append(&mut data),
            _ => contents.push((name.to_owned(), data)),
        }
    }

    /// The bytes behind the next `length` bytes of Base64.
    fn data(&mut self, length: usize) -> Vec<u8> {
        let mut data = Vec::new();
        let mut piece = vec![0; PIECE.min(length)];
        let mut left = length;
        while left > 0 {
            piece.truncate(left);
            self.reader.read_exact(&mut piece).unwrap();
            BASE64_STANDARD.decode_vec(&piece, &mut data).unwrap();
            left -= piece.len();
        }
        data
    }
}

/// The name and the rendered text of a template.
fn rendered(line: &str, contents: &Contents) -> (String, Vec<u8>) {
    let (name, file) = line.split_once(' ').unwrap();
    let text = fs::read(file).unwrap();
    let mut values = contents.iter().map(|(_, value)| value);
    let mut rendered = Vec::with_capacity(text.len());
    let mut rest = text.as_slice();
    while let Some(start) = rest.iter().position(|byte| *byte == b'<') {
        rendered.extend_from_slice(&rest[..start]);
        rendered.extend_from_slice(values.next().unwrap());
        let end = rest[start..].iter().position(|byte| *byte == b'>').unwrap();
        rest = &rest[start + end + 1..];
    }
    rendered.extend_from_slice(rest);
    (name.to_owned(), rendered)
}

/// What a private key has to do for one file, or for all of them.
fn compute(need: &str) {
    match need.split_once(' ').unwrap_or((need, "")) {
        ("x25519", _) => {
            // All points that senders make have an Edwards form, in which the multiplication takes the least time.
            let point = black_box(X25519_BASEPOINT).to_edwards(0).unwrap();
            let shared = point.mul_clamped([7; 32]).to_montgomery();
            // The key of the stanza, that of the header's MAC, and that of the content; the stanza and the content.
            let keys = [b"stanza", b"header", b"conten"].map(|label| hkdf(&[1; 64], label, shared.as_bytes()));
            let _ = black_box(keys.map(|key| aead_decrypt(&key, 16, &[0; 32])));
        }
        ("rsa", _) => {
            for _ in 0..2 {
                let prime = Odd::new(BoxedUint::from_be_slice(&[0xff; 256], 2048).unwrap()).unwrap();
                let power = BoxedUint::from_be_slice(&[0xa5; 256], 2048).unwrap();
                let parameters = BoxedMontyParams::new(prime);
                black_box(BoxedMontyForm::new(power.clone(), &parameters).pow(&power));
            }
        }
        ("ml-kem", _) => {
            let (ours, _) = MlKem768::generate_deterministic(&B32::from([1; 32]), &B32::from([2; 32]));
            let _ = black_box(ours.decapsulate(&[3; 1088].into()));
        }
        // It has been started already.
        ("program", _) => {}
        _ => panic!("{need}"),
    }
}

/// Starts a program that has the private key, and waits for its end.
fn start(command: &str) {
    let mut words = command.split(' ');
    let mut program = Command::new(words.next().unwrap());
    let program = program.args(words);
    let quiet = program.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    quiet.status().unwrap();
}

/// Publishes the contents as the first generation. `group` is the group of the directories; without it, nothing is mounted, and all
/// belongs to the caller.
fn publish(contents: &Contents, group: Option<u32>, mount_point: &Path, link: &Path) {
    fs::create_dir(mount_point).unwrap();
    if group.is_some() {
        mount(Some("ramfs"), mount_point, Some("ramfs"), MsFlags::empty(), Some("mode=0751")).unwrap();
        chown(mount_point, Some(0), group).unwrap();
    }
    let _lock = lock(mount_point);
    let generation = mount_point.join("1");
    let add_directory = |directory: &Path| {
        fs::create_dir(directory).unwrap();
        if group.is_some() {
            chown(directory, Some(0), group).unwrap();
        }
    };
    add_directory(&generation);
    let mut made = PathBuf::new();
    for (name, content) in contents {
        let path = generation.join(name);
        let parent = path.parent().unwrap();
        if parent != generation && parent != made {
            add_directory(parent);
            parent.clone_into(&mut made);
        }
        let mut file = fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o400)
            .open(path)
            .unwrap();
        if group.is_some() {
            fchown(&file, Some(0), Some(0)).unwrap();
        }
        file.write_all(content).unwrap();
    }
    symlink(&generation, link).unwrap();
}

/// Reads what is published, and compares content, owner and mode.
fn compare(contents: &Contents, mount_point: &Path, link: &Path) {
    let _lock = lock(mount_point);
    for (name, content) in contents {
        let mut file = File::open(link.join(name)).unwrap();
        let status = file.metadata().unwrap();
        let mut found = vec![0; content.len()];
        file.read_exact(&mut found).unwrap();
        assert!(status.mode() & 0o777 == 0o400 && found == *content);
    }
}

/// The lock that allows only one run at a time.
fn lock(mount_point: &Path) -> File {
    let mut options = fs::OpenOptions::new();
    let file = options.write(true).create(true).truncate(false).mode(0o600);
    let file = file.open(mount_point.join(".lock")).unwrap();
    file.lock().unwrap();
    file
}
