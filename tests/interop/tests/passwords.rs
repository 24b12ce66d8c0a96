//! Password hashes in both directions with argon2-cffi, bcrypt and Django (Python), and with the `argon2` program of
//! Argon2's authors. `./scripts/test` installs all of them; without them these tests fail.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "test code")]

use std::{
    io::Write,
    path::Path,
    process::{Command, Stdio},
    sync::Arc,
    thread,
};

use auth_core::SystemEntropy;
use auth_credentials::{
    Argon2Params, ForeignHashes, Password, PasswordHash, PasswordHasher, PasswordMatch, Pbkdf2Digest, danger,
};
use serde_json::{Value, json};

/// In form C, for Django does not normalize. The third has 72 bytes, the most that bcrypt hashes.
const PASSWORDS: [&str; 4] = [
    "velvet otters at dawn",
    "жираф и бегемот, un café",
    "seventy-two bytes of a long and quiet sentence about lanterns and boats.",
    " !\"$%&'()*+,-./:;<=>?@[\\]^_`{|}~ ",
];
const WRONG: &str = "granite kites by noon";

/// Every scheme that the peer makes hashes of.
const SCHEMES: [&str; 13] = [
    "argon2-cffi",
    "bcrypt-2a",
    "bcrypt-2b",
    "scrypt",
    "pbkdf2-sha1",
    "pbkdf2-sha256",
    "pbkdf2-sha512",
    "django-argon2",
    "django-bcrypt",
    "django-bcrypt-sha256",
    "django-pbkdf2-sha256",
    "django-pbkdf2-sha1",
    "django-scrypt",
];

/// Feeds a program, and yields the lines that it prints.
fn run(command: &mut Command, input: &str) -> Vec<String> {
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap_or_else(|error| {
            panic!("{command:?} does not start, `./scripts/test` installs it: {error}")
        });
    let (mut to, text) = (child.stdin.take().unwrap(), input.to_owned());
    // Beside reading: either pipe may fill.
    let writer = thread::spawn(move || to.write_all(text.as_bytes()).unwrap());
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    assert!(output.status.success(), "{command:?}");
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

fn ask(requests: &[Value]) -> Vec<Value> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut python = Command::new(root.join("target/peers/python/bin/python"));
    python.arg(root.join("tests/interop/peers/passwords_peer.py"));
    let input: String = requests.iter().map(|request| format!("{request}\n")).collect();
    let answers: Vec<Value> =
        run(&mut python, &input).iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    for (request, answer) in requests.iter().zip(&answers) {
        assert_eq!(answer.get("error"), None, "{request}");
    }
    assert_eq!(answers.len(), requests.len());
    answers
}

fn hasher(params: Argon2Params) -> PasswordHasher {
    let mut all = ForeignHashes::none().with_bcrypt(4).unwrap().with_scrypt(6, 4, 3).unwrap();
    for digest in [Pbkdf2Digest::Sha1, Pbkdf2Digest::Sha256, Pbkdf2Digest::Sha512] {
        all = all.with_pbkdf2(digest, 99).unwrap();
    }
    PasswordHasher::new(params, Arc::new(SystemEntropy)).unwrap().accepting(all)
}

fn verify(hasher: &PasswordHasher, password: &str, stored: &str) -> PasswordMatch {
    let stored = PasswordHash::parse(stored).unwrap_or_else(|error| panic!("{stored}: {error}"));
    hasher.verify(&Password::new(password.to_owned()), &stored, &mut hasher.memory().unwrap()).unwrap()
}

#[test]
fn what_they_hash_is_checked_here() {
    let cases: Vec<_> =
        SCHEMES.iter().flat_map(|scheme| PASSWORDS.map(|password| (*scheme, password))).collect();
    let request = |(scheme, password): &(_, _)| json!({"op": "hash", "scheme": scheme, "password": password});
    let answers = ask(&cases.iter().map(request).collect::<Vec<_>>());
    let hasher = hasher(danger::allow_weak_params(8, 1, 1).unwrap());
    for ((scheme, password), answer) in cases.iter().zip(answers) {
        let stored = answer["hash"].as_str().unwrap();
        assert_eq!(verify(&hasher, password, stored), PasswordMatch::MatchOutdated, "{scheme} {stored}");
        assert_eq!(verify(&hasher, WRONG, stored), PasswordMatch::Mismatch, "{scheme} {stored}");
    }
}

#[test]
fn what_is_hashed_here_is_checked_by_them() {
    let weak = |kib, passes, lanes| danger::allow_weak_params(kib, passes, lanes).unwrap();
    for params in [Argon2Params::OWASP, weak(64, 1, 1), weak(131, 3, 4)] {
        let hasher = hasher(params);
        let mut requests = Vec::new();
        for password in PASSWORDS {
            let typed = Password::new(password.to_owned());
            let stored = hasher.hash(&typed, &mut hasher.memory().unwrap()).unwrap().expose_phc();
            for scheme in ["argon2-cffi", "django"] {
                for password in [password, WRONG] {
                    let stored = stored.expose_str().unwrap();
                    requests.push(
                        json!({"op": "verify", "scheme": scheme, "password": password, "hash": stored}),
                    );
                }
            }
        }
        for (request, answer) in requests.iter().zip(ask(&requests)) {
            assert_eq!(answer["right"], json!(request["password"] != WRONG), "{request}");
        }
    }
}

/// Debian's `argon2`: the reference implementation.
#[test]
fn what_the_reference_program_hashes_is_checked_here() {
    for (password, kib, passes, lanes, len) in
        [(PASSWORDS[0], 19_456, 2, 1, 32), (PASSWORDS[1], 96, 1, 3, 16), (PASSWORDS[3], 1_024, 5, 2, 64)]
    {
        let mut argon2 = Command::new("argon2");
        argon2.args(["0123456789abcdef", "-id", "-e", "-v", "13"]);
        for (option, value) in [("-k", kib), ("-t", passes), ("-p", lanes), ("-l", len)] {
            argon2.arg(option).arg(value.to_string());
        }
        let stored = run(&mut argon2, password).join("");
        let params = danger::allow_weak_params(kib, passes, lanes).unwrap();
        let expected = if len >= 32 { PasswordMatch::Match } else { PasswordMatch::MatchOutdated };
        assert_eq!(verify(&hasher(params), password, &stored), expected, "{stored}");
        assert_eq!(verify(&hasher(params), WRONG, &stored), PasswordMatch::Mismatch, "{stored}");
    }
}
