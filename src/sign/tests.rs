//! Tests of keys, signatures and trusted keys.

use proptest::prelude::*;

use super::*;

fn key(number: u8) -> SigningKey {
    SigningKey::new([number; 32], "ada").unwrap()
}

const STATEMENT: Statement<'static> =
    Statement { sweep: "ising-3", queue: "default", total: 10, revision: 1, expires: 5_000, document: b"{}" };

fn trusted(line: &str) -> TrustedKeys {
    TrustedKeys::parse(line).unwrap()
}

#[test]
fn the_signed_text_is_this_one() {
    assert_eq!(
        STATEMENT.text(),
        format!(
            "sweep signature 1\nsweep \"ising-3\"\nqueue \"default\"\ntotal 10\nrevision 1\nexpires \
             5000\ndocument {}\nfiles none\n",
            blake3::hash(b"{}").to_hex()
        )
    );
}

#[test]
fn keys_and_their_lines_read_back() {
    let key = key(7);
    let again = SigningKey::parse(&key.to_text()).unwrap();
    assert_eq!(again.trusted_line(), key.trusted_line());
    assert_eq!(PublicKey::parse(&key.public().to_string()), Some(key.public()));
    for text in ["", "sweep-private-key ada 00", "key ada 00", "sweep-private-key ada zz"] {
        assert!(SigningKey::parse(text).is_err(), "{text}");
    }
    for text in ["", "ed25519:", "ed25519:00", &"0".repeat(64), &format!("ed25519:{}", "é".repeat(32))] {
        assert_eq!(PublicKey::parse(text), None, "{text}");
    }
}

#[test]
fn a_trusted_key_is_limited_in_time_and_to_queues() {
    let key = key(1);
    let signature = key.sign(&STATEMENT);
    let line = key.trusted_line();
    let check = |line: &str, now| trusted(line).check(&STATEMENT, &signature, now).map(str::to_owned);
    assert_eq!(check(&line, 4_999), Ok("ada".into()));
    assert!(check(&line, 5_000).unwrap_err().contains("signature of ada has expired"));
    assert!(check(&format!("{line} expires=1970-01-01"), 0).unwrap_err().contains("trust in the key of ada"));
    assert!(check(&format!("{line} expires=2027-01-31"), 0).is_ok());
    assert!(check(&format!("{line} queues=gpu,default"), 0).is_ok());
    assert!(check(&format!("{line} queues=gpu"), 0).unwrap_err().contains("not trusted for the queue `default`"));
    let other = self::key(2).trusted_line();
    assert!(check(&format!("# mine\n\n{other}\n"), 0).unwrap_err().contains("no key that this worker trusts"));
    assert!(check(&format!("{other}\n{line}\n"), 0).is_ok());
    assert!(check("", 0).is_err());
}

#[test]
fn a_line_of_another_form_is_refused_with_its_number() {
    let line = key(1).trusted_line();
    for (wrong, why) in [
        ("ssh-ed25519 AAAA ada", "must begin with"),
        (line.split(' ').next().unwrap(), "name after the key"),
        (&format!("{line} que=1"), "`que=1` is unknown"),
        (&format!("{line} expires=soon"), "`soon` is not a date"),
    ] {
        let error = TrustedKeys::parse(&format!("# keys\n{wrong}\n")).unwrap_err();
        assert!(error.line == 2 && error.why.contains(why), "{error}");
    }
}

proptest! {
    /// A signature holds for its own statement only.
    #[test]
    fn no_other_statement_is_signed(
        sweep in "[a-z]{1,3}-[1-9]", queue in "[a-z]{1,2}", total in 0..3_u64, revision in 0..3_u64,
        expires in 4_999..5_002_u64, document in prop::collection::vec(0..3_u8, 0..3),
    ) {
        let other = Statement { sweep: &sweep, queue: &queue, total, revision, expires, document: &document };
        let key = key(1);
        prop_assert!(key.public().verifies(&other, &key.sign(&other)));
        prop_assert!(!key.public().verifies(&STATEMENT, &key.sign(&other)));
        prop_assert!(!super::tests::key(2).public().verifies(&other, &key.sign(&other)));
    }

    #[test]
    fn any_text_is_read_or_refused(text in any::<String>(), bytes in prop::collection::vec(any::<u8>(), 0..100)) {
        let _ = TrustedKeys::parse(&text);
        let _ = SigningKey::parse(&text);
        let _ = signature_bytes(&text);
        prop_assert!(!key(1).public().verifies(&STATEMENT, &bytes));
    }
}
