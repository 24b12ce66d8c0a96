//! Hashes that other programs made: checked once, and then replaced.

use std::{sync::Arc, time::Duration};

use auth_core::{AuthenticateError, KeyName, KeyRing, RejectionReason, SystemEntropy, testing::block_on};
use auth_credentials::{
    Argon2Params, ForeignHashes, HashError, Limit, PasswordHash, PasswordHasher, PasswordMatch, Pbkdf2Digest,
    StoredHashError, ThrottleLimits,
};

use crate::support::{
    address, alone,
    app::{App, NEXT, PASSWORD},
    cheap, far_apart, hasher, medians, password,
};

/// Hashes of [`PASSWORD`] that Python's HASHMAKERS made.
const THEIRS: [&str; 9] = [
    BCRYPT,
    "$2a$04$4t53fwEo6XMej//HTmTfy.mA1JyUQRYscQrrVMwPWZ8jjc/P.Z2qK",
    "$2y$04$JRafotbPpJ9RQEqizMUSteyg/ENrZdsbZ8UpKWTmegtn48Ns31zhu",
    "bcrypt_sha256$$2b$04$QdWEQsb1hFHeqAHaZUuutufjCq8duC6OcSR2J9QH0sPNFv7gqQ/46",
    "pbkdf2_sha256$100$Ojz0wPD3nJ4S$3JOYlN30fB+cPiMAh+lg/LyPhG50ftnAYBB7jCMaRDo=",
    "pbkdf2_sha1$100$Ojz0wPD3nJ4S$KsFsvaT32vyXto/10alokhi37Jk=",
    "$pbkdf2-sha512$i=100,l=64$MDEyMzQ1Njc4OWFiY2RlZg$97t/XIWbRcCfSJFzv4LKnL4d/VMZWNa1nPmx+JbDcFrrZuy6IJAyWySxg5AdsKNEJK97y/ymvH/kAa3yVaL3JQ",
    "scrypt$16$Ojz0wPD3nJ4S$1$1$dJfEqaaZ6MRoo0oLNGiT9xYLwQ3iX/nTqniF2m3VpXHcGDFV9BA/SYw6YYkmy80cv4a84eG95G1mq28nu3DE2g==",
    "$scrypt$ln=4,r=1,p=1$MDEyMzQ1Njc4OWFiY2RlZg$tnoUzhdekXimMY43g6W8kvLKgqO8htCK00aQt89KiM8",
];

const BCRYPT: &str = "$2b$04$aGVyJwDLD/L1mBGh8H9cwOVPKReZ47Kr6vx8yARwWkcMQDTFBBeVy";

fn all() -> ForeignHashes {
    let mut all = ForeignHashes::none().with_bcrypt(4).unwrap().with_scrypt(4, 1, 1).unwrap();
    for digest in [Pbkdf2Digest::Sha1, Pbkdf2Digest::Sha256, Pbkdf2Digest::Sha512] {
        all = all.with_pbkdf2(digest, 100).unwrap();
    }
    all
}

fn accepting() -> PasswordHasher {
    hasher(cheap()).accepting(all())
}

fn app() -> App {
    App::hashing_by(App::store(), accepting(), ThrottleLimits::login())
}

fn verify(hasher: &PasswordHasher, text: &str, stored: &str) -> Result<PasswordMatch, HashError> {
    let stored = PasswordHash::parse(stored).unwrap();
    hasher.verify(&password(text), &stored, &mut hasher.memory().unwrap())
}

#[test]
fn a_hash_of_another_program_is_right_once_and_then_ours() {
    let app = app();
    app.sign_up("ann", PASSWORD);
    for theirs in THEIRS {
        app.store_hash("ann", theirs);
        assert!(app.log_in("ann", NEXT).is_err(), "{theirs}");
        assert_eq!(app.credential("ann").data.expose(), theirs.as_bytes(), "a wrong password renews nothing");
        assert!(app.log_in("ann", PASSWORD).is_ok(), "{theirs}");
        assert!(app.credential("ann").data.expose().starts_with(b"$argon2id$v=19$m=8,t=1,p=1$"), "{theirs}");
        assert!(app.log_in("ann", PASSWORD).is_ok(), "{theirs}");
    }
}

/// A hasher that was not told of an algorithm does not check its hashes: none of them is as good as ours.
#[test]
fn what_is_not_asked_for_is_refused() {
    for theirs in THEIRS {
        let refused = Err(HashError::Unusable(StoredHashError::Algorithm));
        assert_eq!(verify(&hasher(cheap()), PASSWORD, theirs), refused, "{theirs}");
    }
    let app = App::new();
    app.sign_up("ann", PASSWORD);
    app.store_hash("ann", BCRYPT);
    assert!(matches!(app.log_in("ann", PASSWORD), Err(AuthenticateError::Rejected(_))));
    assert_eq!(app.reasons(), [RejectionReason::Corrupt]);
}

/// Django's own spelling of a hash by Argon2id is that hash, and is written anew.
#[test]
fn the_argon2_of_django_is_argon2() {
    let plain = hasher(cheap());
    let phc = plain.hash(&password(PASSWORD), &mut plain.memory().unwrap()).unwrap().expose_phc();
    let of_django = format!("argon2{}", phc.expose_str().unwrap());
    assert_eq!(verify(&plain, PASSWORD, &of_django), Ok(PasswordMatch::MatchOutdated));
    assert_eq!(verify(&plain, NEXT, &of_django), Ok(PasswordMatch::Mismatch));
    assert_eq!(PasswordHash::parse(&of_django).unwrap().params(), Some(cheap()));
    assert!(PasswordHash::parse(&of_django.replace("argon2id", "argon2i")).is_err());
}

/// What bcrypt cut off counts from the first login on.
#[test]
fn the_whole_of_a_long_password_counts_once_it_is_hashed_anew() {
    let app = app();
    app.sign_up("ann", PASSWORD);
    app.store_hash("ann", LONG_BCRYPT);
    let long = |tail: &str| format!("{}{tail}", "x".repeat(72));
    assert!(app.log_in("ann", &"x".repeat(71)).is_err());
    assert!(app.log_in("ann", &long(" and more")).is_ok());
    for (tail, right) in [(" and more", true), ("", false), (" and less", false)] {
        assert_eq!(app.log_in("ann", &long(tail)).is_ok(), right, "{tail:?}");
    }
}

/// Of 72 times `x`.
const LONG_BCRYPT: &str = "$2b$04$vKGEzbNANEshCRmcdOvkj.JLa1BSvn7F8wQMWD.mgP0ayAex.HHeO";

/// With a pepper, the new hash has it; theirs never did.
#[test]
fn an_imported_hash_gets_the_pepper() {
    let keys = KeyRing::generate(KeyName::from_static("k"), &SystemEntropy).unwrap();
    let hasher = accepting().with_pepper(Arc::new(keys));
    let app = App::hashing_by(App::store(), hasher, ThrottleLimits::login());
    app.sign_up("ann", PASSWORD);
    app.store_hash("ann", BCRYPT);
    assert!(app.log_in("ann", PASSWORD).is_ok());
    assert!(app.credential("ann").data.expose().starts_with(b"$argon2id$v=19$m=8,t=1,p=1,keyid="));
}

/// A new password wins over the renewal of an imported hash (roostorg/coop#901).
#[test]
fn a_password_that_is_changed_during_an_import_stays_changed() {
    let app = app();
    app.sign_up("ann", PASSWORD);
    app.store_hash("ann", BCRYPT);
    let other = app.clone();
    app.store.before("update", move || {
        let _ = block_on(other.accounts.set_password(&other.id("ann"), password(NEXT), None)).unwrap();
    });
    assert!(app.log_in("ann", PASSWORD).is_ok());
    assert!(app.log_in("ann", PASSWORD).is_err());
    assert!(app.log_in("ann", NEXT).is_ok());
}

/// Nobody can tell who has not logged in since the import, nor which hash was cheaper than
/// the rest. Costs at which each algorithm takes some milliseconds.
#[test]
fn an_account_with_an_imported_hash_takes_the_same_time() {
    let _turn = alone();
    let tag = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    let none = ForeignHashes::none;
    let sha256 = none().with_pbkdf2(Pbkdf2Digest::Sha256, 2_000).unwrap();
    for (of_before, dear, cheap) in [
        (none().with_bcrypt(7).unwrap(), BCRYPT.replace("$04$", "$07$"), BCRYPT.to_owned()),
        (
            none().with_scrypt(10, 8, 2).unwrap(),
            format!("$scrypt$ln=10,r=8,p=2$c2FsdHNhbHQ${tag}"),
            format!("scrypt$32$salt$8$1${tag}="),
        ),
        (sha256, format!("pbkdf2_sha256$2000$salt${tag}="), format!("pbkdf2_sha256$1$salt${tag}=")),
    ] {
        takes_the_same_time(of_before, &[dear, cheap]);
    }
}

/// Whether a wrong password takes the same time for all of these, for a hash of ours, for one that is not accepted, and
/// for nobody.
fn takes_the_same_time(of_before: ForeignHashes, imported: &[String]) {
    let limit = Limit::new(u32::MAX.try_into().unwrap(), ThrottleLimits::login().pair.window());
    let limits = ThrottleLimits { pair: limit, account: limit, source: limit, global: None };
    let app = App::hashing_by(App::store(), hasher(cheap()).accepting(of_before), limits);
    let mut logins = vec!["nobody".to_owned(), "ours".to_owned()];
    app.sign_up("ours", PASSWORD);
    let not_accepted = ["pbkdf2_sha1$1$salt$AAAAAAAAAAAAAAAAAAAAAAAAAAA=".to_owned(), "$2b$99$".to_owned()];
    for (n, stored) in imported.iter().chain(&not_accepted).enumerate() {
        let login = format!("imported{n}");
        app.sign_up(&login, PASSWORD);
        app.store_hash(&login, stored);
        logins.push(login);
    }
    let measure = |_| {
        let logins = logins.iter().map(|login| || assert!(app.log_in_from(login, NEXT, address(7)).is_err()));
        medians(11, logins)
    };
    let apart = |medians: &Vec<Duration>| medians.iter().any(|median| far_apart(*median, medians[0]));
    let tries: Vec<_> = (0..5).map(measure).take_while(apart).collect();
    assert!(tries.len() < 5, "{of_before:?}: {tries:?}");
}

/// Refused before anything is allocated or computed.
#[test]
fn an_imported_hash_that_asks_for_too_much_is_refused_at_once() {
    let tag = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    let started = std::time::Instant::now();
    for stored in [
        BCRYPT.replace("$04$", "$31$"),
        format!("bcrypt_sha256${}", BCRYPT.replace("$04$", "$16$")),
        format!("$scrypt$ln=63,r=8,p=1$c2FsdHNhbHQ${tag}"),
        format!("$scrypt$ln=14,r=4294967295,p=4294967295$c2FsdHNhbHQ${tag}"),
        format!("scrypt$2147483648$salt$8$1${tag}="),
        format!("pbkdf2_sha256$4294967295$salt${tag}="),
        format!("$pbkdf2-sha512$i=4294967296$c2FsdHNhbHQ${tag}"),
        format!("argon2$argon2id$v=19$m=4294967295,t=2,p=1$c2FsdHNhbHQ${tag}"),
        format!("pbkdf2_sha256$1$salt${}", "A".repeat(1 << 20)),
    ] {
        let error = PasswordHash::parse(&stored).err();
        assert_eq!(error, Some(StoredHashError::HashParamsOutOfBounds), "{stored:.60}");
    }
    assert!(started.elapsed() < Duration::from_millis(9));
}

/// A hash in a log can be guessed at.
#[test]
fn an_imported_hash_is_not_printed() {
    for theirs in THEIRS {
        let shown = format!("{:?}", PasswordHash::parse(theirs).unwrap());
        assert!(!shown.contains(&theirs[theirs.len() - 16..]), "{shown}");
    }
    assert_eq!(Argon2Params::OWASP, hasher(Argon2Params::OWASP).accepting(all()).params());
}
