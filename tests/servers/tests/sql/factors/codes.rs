//! Codes that are sent, and devices that are remembered.

use std::sync::Arc;

use auth_core::{
    Authenticated, Authenticator, CredentialKey, CredentialKind, LoginOutcome, Method, PendingLogin, Updated,
};
use auth_credentials::{
    CodeCredential, DeviceCredential, MailCodeCredential, MailCodes, Password, RememberedDevices,
};

use super::{LOGIN, PASSWORD, TRIES, World, at_once, sqlite};
use crate::support::{Server, on_every_server};

on_every_server!(
    a_mailed_code_works_once,
    a_text_message_works_once,
    a_remembered_device_is_dead_once_it_is_forgotten,
    what_was_removed_is_not_brought_back,
);

mod file {
    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_mailed_code_works_once() {
        let (_folder, stores) = sqlite::fresh().await;
        mailed_code(World::new(&stores).await).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_text_message_works_once() {
        let (_folder, stores) = sqlite::fresh().await;
        text_message(World::new(&stores).await).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_remembered_device_is_dead_once_it_is_forgotten() {
        let (_folder, stores) = sqlite::fresh().await;
        device(World::new(&stores).await).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn what_was_removed_is_not_brought_back() {
        let (_folder, stores) = sqlite::fresh().await;
        removed(World::new(&stores).await).await;
    }
}

async fn a_mailed_code_works_once<S: Server>() {
    let (_server, world) = World::on::<S>().await;
    mailed_code(world).await;
}

async fn a_text_message_works_once<S: Server>() {
    let (_server, world) = World::on::<S>().await;
    text_message(world).await;
}

async fn a_remembered_device_is_dead_once_it_is_forgotten<S: Server>() {
    let (_server, world) = World::on::<S>().await;
    device(world).await;
}

async fn what_was_removed_is_not_brought_back<S: Server>() {
    let (_server, world) = World::on::<S>().await;
    removed(world).await;
}

/// Somebody who is logged in by the password alone.
async fn request(world: &World) -> Authenticated {
    match world.log_in(PASSWORD).await {
        LoginOutcome::Complete(login) => Authenticated::assertion(login.into_authentication()),
        LoginOutcome::Pending(_) => panic!("one factor is enough"),
    }
}

/// The code of the one message that was sent.
fn received(world: &World) -> String {
    let messages = world.notifier.take();
    assert_eq!(messages.len(), 1, "{messages:?}");
    messages[0].notice.code().unwrap().expose().to_owned()
}

async fn mailed_code(world: World) {
    let who = request(&world).await;
    world.links.ask_to_verify(LOGIN, None).await.unwrap();
    let message = world.notifier.take().remove(0);
    let link = message.notice.link().unwrap().expose();
    let token = link.split_once("?token=").unwrap().1;
    assert_eq!(world.links.verify(token, Some(&who), None).await.unwrap(), None);

    let counters = world.counters.clone();
    let codes = MailCodes::new(world.links.clone(), Arc::clone(&world.ring), counters);
    let handle = codes.ask(LOGIN, None).await.unwrap().expose().to_owned();
    let old = received(&world);
    codes.ask_again(&handle, None).await.unwrap();
    let code = received(&world);
    let check = |codes: &MailCodes, typed: &str| {
        let credential = MailCodeCredential::new(handle.clone(), typed.to_owned(), None);
        let codes = codes.clone();
        async move { codes.authenticate(credential).await }
    };
    assert!(old == code || check(&codes, &old).await.is_err(), "the newest one");
    let passed = at_once(4, |_| {
        let check = check(&codes, &code);
        async move { check.await.is_ok_and(|factor| *factor.method() == Method::MAIL_CODE) }
    })
    .await;
    assert_eq!(passed, 1);
}

async fn text_message(mut world: World) {
    let (tokens, queue) = (Arc::clone(&world.stores.tokens), world.notifier.clone());
    world.factors = world.factors.with_restricted_text_messages(tokens, queue, world.counters.clone());
    let who = request(&world).await;
    world.factors.begin_phone(&who, "+491701234567", None).await.unwrap();
    let _ = world.factors.confirm_phone(&who, &received(&world)).await.unwrap();
    let pending = Arc::new(world.pending().await);
    world.factors.send_code(&pending, None).await.unwrap();
    let code = received(&world);
    let passed =
        at_once(TRIES, |_| {
            let (world, code, pending) = (world.clone(), code.clone(), Arc::clone(&pending));
            async move {
                world.factors.authenticate(CodeCredential::text_message(&pending, code, None)).await.is_ok()
            }
        })
        .await;
    assert_eq!(passed, 1);
}

async fn device(world: World) {
    let (uri, _) = world.enrol().await;
    world.clock.step(std::time::Duration::from_secs(30));
    let pending = world.pending().await;
    let code = uri.device().code_now(auth_core::Clock::now(&world.clock)).unwrap().to_string();
    let factor = world.factors.authenticate(CodeCredential::one_time(&pending, code, None)).await.unwrap();
    let LoginOutcome::Complete(login) = world.accounts.proceed(pending, factor, None).await.unwrap() else {
        panic!("two factors are enough")
    };
    let who = Authenticated::assertion(login.into_authentication());
    let devices = RememberedDevices::new(world.accounts.clone(), Arc::clone(&world.ring));
    let text = devices.remember(&who).await.unwrap().expose().to_owned();
    // The gate of a policy that does without a second factor there.
    let waiting = PendingLogin::assertion(
        who.principal().clone(),
        vec![Method::PASSWORD],
        vec![Method::REMEMBERED_DEVICE],
        who.authentication().epoch,
        auth_core::UnixTime::MAX,
    );
    let check = || devices.authenticate(DeviceCredential::new(&waiting, text.clone(), None));
    assert!(check().await.is_ok());
    assert!(devices.recognise(&text).await.unwrap().is_some());
    let list = devices.list(who.principal()).await.unwrap();
    assert!(list.len() == 1 && list[0].last_used_at.is_some());
    let forgotten = at_once(8, |_| {
        let (devices, who, id) = (devices.clone(), who.clone(), list[0].id);
        async move { devices.forget(&who, &id).await.unwrap_or(false) }
    })
    .await;
    assert_eq!(forgotten, 1);
    assert!(check().await.is_err() && devices.recognise(&text).await.unwrap().is_none());
}

/// A device that is enrolled in the place of one that was removed before is not taken for it by whoever has read that one.
async fn removed(world: World) {
    let _ = world.enrol().await;
    let ann = world.pending().await.principal().clone();
    let key = CredentialKey::only(&ann, CredentialKind::ONE_TIME_CODES);
    let old = world.stores.credentials.find(&key).await.unwrap().unwrap().credential;
    let _ = world.factors.reset(&ann).await.unwrap();
    let _ = world.accounts.set_password(&ann, Password::new(PASSWORD.to_owned()), None).await.unwrap();
    let _ = world.enrol().await;
    let updated = world.stores.credentials.update(&key, old.version, &old.data).await.unwrap();
    assert_eq!(updated, Updated::Conflict);
    assert!(!world.stores.credentials.succeeded(&key, old.version, crate::support::NOW).await.unwrap());
}
