//! What values are taken, and what is refused.

use proptest::prelude::*;

use super::{Transform, TransformError, hashes, made};
use crate::{system::plaintext::Plaintext, transform::NameError};

const HERE: (u8, &str, &str) = (0, "", "s");

#[test]
fn line_ends_at_the_end_are_no_part_of_a_password() {
    for (transform, _) in hashes() {
        let plain = made(&transform, b"secret", HERE).unwrap();
        for typed in ["secret\n", "secret\r\n", "secret\n\n"] {
            assert_eq!(made(&transform, typed.as_bytes(), HERE).unwrap(), plain);
        }
    }
}

#[test]
fn what_is_no_password_is_refused_and_nothing_is_cut_off() {
    for (transform, most) in hashes() {
        let hash = if most == 72 { "bcrypt" } else { "crypt" };
        let refused = |value: &[u8]| made(&transform, value, HERE).err();
        assert_eq!(refused(b""), Some(TransformError::Empty));
        assert_eq!(refused(b"\n"), Some(TransformError::Empty));
        assert_eq!(refused(b"a\0b"), Some(TransformError::Nul));
        assert_eq!(refused(b"a\nb\n"), Some(TransformError::Lines));
        assert_eq!(refused(b"a\rb"), Some(TransformError::Lines));
        assert_eq!(refused(&vec![b'x'; most]), None);
        assert_eq!(refused(&vec![b'x'; most + 1]), Some(TransformError::Long { most, hash }));
    }
}

/// The values of RFC 4648, section 10, and the spellings that other programs write.
#[test]
fn base64_is_decoded_also_in_lines() {
    for (value, content) in [
        ("", ""),
        ("Zg==", "f"),
        ("Zm8=", "fo"),
        ("Zm9v", "foo"),
        ("Zm9vYg==", "foob"),
        ("Zm9vYmE=", "fooba"),
        ("Zm9vYmFy", "foobar"),
        (" Zm9v\r\nYmFy\n", "foobar"),
    ] {
        let made = made(&Transform::Base64Decode, value.as_bytes(), HERE).unwrap();
        assert_eq!(made, content.as_bytes(), "{value:?}");
    }
    for value in [
        "Z", "Zg=", "Zm9vYg", "Zh==", "Zg==Zg==", "Zm9v!", "_-8=", "Zm9v\0", "=", "\u{e9}",
    ] {
        let refused = made(&Transform::Base64Decode, value.as_bytes(), HERE).unwrap_err();
        assert_eq!(refused, TransformError::NotBase64, "{value:?}");
    }
}

proptest! {
    #[test]
    fn base64_gives_back_what_was_encoded(content in prop::collection::vec(any::<u8>(), 0..200), width in 1_usize..80) {
        use base64::{Engine as _, prelude::BASE64_STANDARD};
        let text = BASE64_STANDARD.encode(&content);
        let lines: Vec<_> = text.as_bytes().chunks(width).collect();
        let made = made(&Transform::Base64Decode, &lines.join(&b"\n"[..]), HERE).unwrap();
        prop_assert_eq!(made, content);
    }

    #[test]
    fn no_value_makes_it_panic(value in prop::collection::vec(any::<u8>(), 0..100)) {
        let _ = made(&Transform::Base64Decode, &value, HERE);
        let _ = made(&Transform::Htpasswd("a".to_owned()), &value, HERE);
    }
}

#[test]
fn a_user_is_one_that_a_line_can_begin_with() {
    let longest = "u".repeat(255);
    for user in ["alice", "Alice Smith", "a@b", "\u{e9}", longest.as_str()] {
        let transform = Transform::of_name(&format!("htpasswd:{user}"));
        assert_eq!(transform, Ok(Transform::Htpasswd(user.to_owned())));
    }
    for user in ["", " ", "#a", "a:b", "a\nb", " a", "a\t", &"u".repeat(256)] {
        let transform = Transform::of_name(&format!("htpasswd:{user}"));
        assert_eq!(transform, Err(NameError::User), "{user:?}");
    }
    for name in ["htpasswd", "bcrypt", "Yescrypt", "yescrypt "] {
        assert_eq!(Transform::of_name(name), Err(NameError::Unknown), "{name:?}");
    }
}

/// A live value that is kept may be the password itself.
#[test]
fn a_hash_is_told_from_what_is_none() {
    for (transform, _) in hashes() {
        let made = made(&transform, b"secret", HERE).unwrap();
        let can_be = |text: &[u8]| transform.can_make(&Plaintext::from(text.to_vec()));
        assert!(can_be(&made));
        for other in [
            &b""[..],
            b"secret",
            b"alice:secret",
            &made[1..],
            &[&made[..], b"x"].concat(),
            &[b"$", &made[..]].concat(),
        ] {
            assert!(!can_be(other), "{transform:?} {other:?}");
        }
        for (another, _) in hashes() {
            assert_eq!(another == transform, another.can_make(&Plaintext::from(made.clone())));
        }
        let without_line_end = made.strip_suffix(b"\n").unwrap_or(&made);
        assert!(can_be(without_line_end));
    }
    assert!(!Transform::Htpasswd("bob".to_owned()).can_make(&Plaintext::from(made(&hashes()[2].0, b"x", HERE).unwrap())));
}
