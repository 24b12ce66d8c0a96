//! Asking for a link.

use std::time::Duration;

use auth_core::{
    AccountChange, AccountStatus, Refusal,
    testing::{FailWith, block_on},
};
use auth_credentials::{AccountLinks, LinkPurpose, Notice, WriterNotifier};

use super::reason;
use crate::support::{
    address,
    app::PASSWORD,
    mail::{ANN, Post, token_of},
};

/// The same answer and the same calls, whoever has the address.
#[test]
fn asking_answers_alike_after_the_same_work() {
    let post = Post::verified();
    post.app.sign_up("disabled@example.com", PASSWORD);
    post.app.change("disabled@example.com", AccountChange::Status(AccountStatus::Disabled));
    post.app.sign_up("no-address", PASSWORD);
    let mut calls = Vec::new();
    for login in [ANN, "nobody@example.com", "disabled@example.com", "no-address"] {
        for purpose in [LinkPurpose::VerifyAddress, LinkPurpose::ResetPassword, LinkPurpose::MagicLink] {
            let counted = post.app.counters.writes();
            let _ = (post.app.store.calls(), post.tokens.calls());
            match purpose {
                LinkPurpose::VerifyAddress => block_on(post.links.ask_to_verify(login, Some(address(1)))),
                LinkPurpose::ResetPassword => block_on(post.links.ask_to_reset(login, Some(address(1)))),
                _ => block_on(post.links.ask_to_log_in(login, None, Some(address(1)))),
            }
            .unwrap();
            calls.push((post.app.store.calls(), post.app.counters.writes() - counted, post.tokens.calls()));
        }
        assert_eq!(post.messages().len(), if login == ANN { 3 } else { 0 }, "{login}");
    }
    assert!(calls.iter().all(|one| *one == calls[0]), "{calls:?}");
}

/// Links begin with what is configured; mail goes to the stored address.
#[test]
fn links_go_to_the_stored_address_and_begin_with_the_configured_url() {
    let post = Post::new();
    block_on(post.links.ask_to_reset(" Ann@EXAMPLE.com ", Some(address(1)))).unwrap();
    let messages = post.messages();
    assert_eq!(messages[0].to.as_str(), ANN);
    let link = messages[0].notice.link().unwrap().expose();
    assert!(link.starts_with("https://app.example/reset-password?token="), "{link}");
    assert_eq!(token_of(&messages[0]).unwrap().len(), 43);
    let links = post.links.clone().with_path(LinkPurpose::ResetPassword, "/new").unwrap();
    block_on(links.ask_to_reset(ANN, Some(address(2)))).unwrap();
    let messages = post.messages();
    assert!(messages[0].notice.link().unwrap().expose().starts_with("https://app.example/new?token="));
    for bad in ["new", "//evil.example", "/a?b", "/a#b", "/a\r\n"] {
        assert!(post.links.clone().with_path(LinkPurpose::ResetPassword, bad).is_err(), "{bad:?}");
    }
}

/// Messages cost money and patience: three for a pair, and nobody keeps the owner from asking.
#[test]
fn asking_is_throttled_and_the_owner_still_gets_a_link() {
    let post = Post::new();
    let ask = |from| block_on(post.links.ask_to_reset(ANN, Some(address(from))));
    for _ in 0..3 {
        ask(1).unwrap();
    }
    let error = ask(1).unwrap_err();
    assert_eq!(Refusal::from(error).status(), 429);
    assert!(post.app.audit.has("throttled"));
    for from in 2..10 {
        let _ = ask(from);
    }
    // Over the account's limit there is a turn within 16 seconds, from a source that did nothing.
    let open = (0..17).any(|_| {
        post.app.clock.step(Duration::from_secs(1));
        ask(99).is_ok()
    });
    assert!(open);
}

/// A stranger who keeps asking, from many places and in every turn, neither floods a mailbox nor keeps ending the link
/// in it: from some number on nothing is sent, and the newest one works. For an address that nobody has it is alike.
#[test]
fn a_stranger_who_keeps_asking_does_not_take_the_newest_link_away() {
    let post = Post::new();
    let mut newest = None;
    let mut sent = 0;
    // As long as a link works, and half as long again.
    for n in 0..LinkPurpose::ResetPassword.life().as_secs() * 3 / 2 {
        let from = address(u32::try_from(n).unwrap());
        let answers = [ANN, "nobody@example.com"].map(|typed| {
            let _ = (post.app.store.calls(), post.tokens.calls());
            let counted = post.app.counters.writes();
            let ok = block_on(post.links.ask_to_reset(typed, Some(from))).is_ok();
            (ok, post.app.counters.writes() - counted, post.app.store.calls(), post.tokens.calls())
        });
        if let [(true, ..), (true, ..)] = answers {
            let [ann, nobody] = answers;
            assert_eq!(ann, nobody);
        }
        for message in post.messages() {
            (newest, sent) = (token_of(&message), sent + 1);
        }
        assert!(newest.as_ref().is_some_and(|token| post.works(LinkPurpose::ResetPassword, token)), "{n}");
        post.app.clock.step(Duration::from_secs(1));
    }
    assert!((AccountLinks::MAX_SENT..=4 * AccountLinks::MAX_SENT).contains(&sent), "{sent}");
    // What is asked for something else has messages of its own.
    let asked = (0..17).any(|_| {
        post.app.clock.step(Duration::from_secs(1));
        block_on(post.links.ask_to_log_in(ANN, None, Some(address(90_000)))).is_ok()
    });
    assert!(asked && post.works(LinkPurpose::MagicLink, &post.token()));
}

/// Whatever opens the link, it still works.
#[test]
fn looking_uses_nothing_up() {
    let post = Post::new();
    let token = post.reset_token();
    for _ in 0..50 {
        assert!(post.works(LinkPurpose::ResetPassword, &token));
    }
}

/// A link for one thing is no link for another (integreat-cms#782).
#[test]
fn a_link_is_for_one_purpose() {
    let post = Post::new();
    let token = post.reset_token();
    for other in [
        LinkPurpose::VerifyAddress,
        LinkPurpose::MagicLink,
        LinkPurpose::ChangeAddress,
        LinkPurpose::Invitation,
    ] {
        assert!(!post.works(other, &token));
    }
    assert_eq!(reason(block_on(post.links.verify(&token, None, None))), "unknown");
    assert_eq!(reason(block_on(post.links.log_in(&token, None, None))), "unknown");
    assert_eq!(reason(block_on(post.links.change(&token, &post.request(), None))), "unknown");
    assert!(post.works(LinkPurpose::ResetPassword, &token));
}

/// The newest wins, and each purpose has its own.
#[test]
fn a_newer_link_ends_the_older_one() {
    let post = Post::new();
    let first = post.reset_token();
    block_on(post.links.ask_to_log_in(ANN, None, Some(address(2)))).unwrap();
    let magic = post.token();
    let second = post.reset_token();
    assert!(!post.works(LinkPurpose::ResetPassword, &first));
    assert!(post.works(LinkPurpose::ResetPassword, &second) && post.works(LinkPurpose::MagicLink, &magic));
}

/// Asking for addresses that nobody has must not fill the store of tokens.
#[test]
fn asking_for_nobody_leaves_a_bounded_number_of_rows() {
    let post = Post::new();
    for n in 0..3_000 {
        let typed = format!("nobody{n}@example.com");
        block_on(post.links.ask_to_reset(&typed, Some(address(n + 10)))).unwrap();
    }
    // A thousand fit.
    assert!(post.works(LinkPurpose::ResetPassword, &post.reset_token()));
}

#[test]
fn what_fails_is_unavailable_and_a_lost_message_is_written_down() {
    let post = Post::new();
    post.tokens.inner.fail_with(Some(FailWith::Full));
    assert_eq!(reason(block_on(post.links.ask_to_reset(ANN, Some(address(1))))), "unavailable");
    post.tokens.inner.fail_with(None);
    let full = post.links.clone();
    for n in 0..1_001 {
        let _ = block_on(full.ask_to_reset(ANN, Some(address(n))));
        post.app.clock.step(Duration::from_secs(4_000));
    }
    assert!(post.app.audit.has("not-sent"));
    assert!(block_on(full.ask_to_reset(ANN, Some(address(5_000)))).is_ok(), "nobody is told");
}

/// A log of messages is no way in.
#[test]
fn no_link_and_no_address_is_printed() {
    let post = Post::new();
    block_on(post.links.ask_to_reset(ANN, Some(address(1)))).unwrap();
    let messages = post.messages();
    let shown = format!("{messages:?} {:?} {:?}", post.links, post.app.audit.events());
    assert!(!shown.contains(&token_of(&messages[0]).unwrap()) && !shown.contains(ANN), "{shown}");
    assert!(matches!(messages[0].notice, Notice::ResetPassword(_)));
}

/// For development: the message as text in a file.
#[test]
fn a_file_has_the_message_with_its_link() {
    use auth_credentials::Notifier;
    let post = Post::new();
    block_on(post.links.ask_to_reset(ANN, Some(address(1)))).unwrap();
    let message = post.messages().remove(0);
    let path = std::env::temp_dir().join(format!("auth-notifier-{}", std::process::id()));
    std::fs::write(&path, "").unwrap();
    #[cfg(unix)]
    let mode = {
        use std::{fs::Permissions, os::unix::fs::PermissionsExt};
        std::fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
        || std::fs::metadata(&path).unwrap().permissions().mode() & 0o777
    };
    WriterNotifier::file(&path).unwrap().notify(&message).unwrap();
    // Also where it was there before, and everybody could read it.
    #[cfg(unix)]
    assert_eq!(mode(), 0o600);
    let link = message.notice.link().unwrap().expose();
    // The thread writes when it gets to it; there is no other sign.
    let written = (0..1_000_000).find_map(|_| {
        std::thread::yield_now();
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        // The head of a message ends like the whole.
        (text.ends_with("\n\n") && text.contains(link)).then_some(text)
    });
    std::fs::remove_file(&path).unwrap();
    let written = written.unwrap();
    assert!(written.starts_with("To: ann@example.com\nSubject: Set a new password\n\n"), "{written}");
}
