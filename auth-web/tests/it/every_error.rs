//! `?` works in handlers, whatever of ours failed.

use std::{collections::BTreeSet, fs, path::Path};

use auth_web::{
    Refusal,
    core::{
        BlobError, GateError, Malformed, NameError, NetworkError, OpenError, RejectionReason, RoleName,
        ScopesError, StoreError,
    },
    credentials::{AccountError, LeakedError, PolicyError, RangeError, StoredHashError},
    jwt::{
        AsyncSignError, IssueError, JwsError, JwsSignError, MalformedToken, RemoteVerifyError, VerifyError,
    },
    rbac::{ActivationError, AdminError, DescribeError, PolicyStoreError, SourceError, UnknownPermission},
    session::{CommitError, RotateError},
};

/// The status that `?` answers.
fn status<E>(error: E) -> u16
where
    Refusal: From<E>,
{
    Refusal::from(error).status()
}

/// What a stranger sent is their fault, what we cannot do is ours, and neither is a login.
#[test]
fn each_error_says_whose_fault_it_is() {
    for (found, expected) in [
        (status(NameError::Empty), 400),
        (status(NetworkError), 400),
        (status(ScopesError::Token), 400),
        (status(PolicyError::Common), 400),
        (status(UnknownPermission), 400),
        (status(ActivationError::TooMany), 400),
        (status(ActivationError::NotHeld(RoleName::from_static("admin"))), 403),
        (status(AdminError::Escalation { missing: "users.delete".to_owned() }), 403),
        (status(AdminError::Superseded), 503),
        (status(AdminError::LastVersion), 503),
        (status(AdminError::Source(SourceError::Nothing)), 503),
        (status(AdminError::Stored(PolicyStoreError::TooMany)), 422),
        (status(JwsError::Encoding), 400),
        (status(Malformed::BodyTooLarge), 413),
        (status(JwsError::Signature), 401),
        (status(MalformedToken::Segments), 401),
        (status(VerifyError::Signature), 401),
        (status(RemoteVerifyError::from(VerifyError::Revoked)), 401),
        (status(GateError::NotAsked), 401),
        (status(CommitError::Ended), 401),
        (status(RotateError::Ended), 401),
        (status(IssueError::SessionEnded), 401),
        (status(IssueError::Scope), 403),
        (status(IssueError::KeyElsewhere), 503),
        (status(AsyncSignError::unreachable(std::io::Error::other("down"))), 503),
        (status(JwsSignError::Signers), 503),
        (status(VerifyError::RevocationsUnavailable), 503),
        (status(AccountError::Busy), 503),
        (status(StoreError::full()), 503),
        (status(BlobError::TooLarge), 503),
        (status(BlobError::Malformed), 503),
        (status(OpenError::Refused), 503),
        (status(StoredHashError::Malformed), 503),
        (status(RangeError::Timeout), 503),
        (status(LeakedError::from(RangeError::Malformed)), 503),
        (status(LeakedError::Leaked), 400),
        (status(DescribeError::UnknownRule), 503),
    ] {
        assert_eq!(found, expected);
    }
    let rejection = |error: GateError| match Refusal::from(error).into_kind() {
        auth_web::core::Refusal::Rejected(rejection) => rejection.reason(),
        other => panic!("{other:?}"),
    };
    assert_eq!(rejection(GateError::OtherPrincipal), RejectionReason::Mismatch);
    assert_eq!(rejection(GateError::Outdated), RejectionReason::Expired);
    assert_eq!(rejection(GateError::Refused), RejectionReason::Policy);
}

/// Errors that an application meets when it is set up, and no handler does.
const OF_SET_UP: [&str; 40] = [
    // What a tool finds that verifies the audit log.
    "auth_core::ChainBroken",
    "auth_core::ChainError",
    "auth_core::KeyRingError",
    "auth_credentials::HashPoolError",
    "auth_credentials::HttpsRangesError",
    // What writes letters meets it, on a task of its own.
    "auth_credentials::LetterError",
    "auth_credentials::LinkBaseError",
    // What somebody types is judged by an `OtpDevice`, and no URI of a stranger is read.
    "auth_credentials::OtpKeyError",
    "auth_credentials::OtpUriError",
    "auth_credentials::OutOfMemory",
    "auth_credentials::ParamsError",
    // Names of hundreds of bytes.
    "auth_credentials::QrError",
    "auth_credentials::ShortPasswordsError",
    "auth_credentials::SmtpRelayError",
    "auth_credentials::SmtpRetriesError",
    "auth_jwt::BearerError",
    "auth_jwt::CacheError",
    // Inside of an `AsyncSigner`, and then an `AsyncSignError`.
    "auth_jwt::DerSignatureError",
    "auth_jwt::HttpsFetcherError",
    "auth_jwt::IssuerKeyRingError",
    "auth_jwt::PolicyError",
    "auth_jwt::RemoteKeySetError",
    "auth_jwt::RemoteSigningKeyError",
    "auth_jwt::RevocationListError",
    "auth_jwt::RoleMappingError",
    "auth_rbac::AbacError",
    "auth_rbac::AclError",
    // Inside of an `AbacError`.
    "auth_rbac::ConditionProblem",
    "auth_rbac::DocumentError",
    "auth_rbac::RuleProblem",
    "auth_rbac::SchemaError",
    // Inside of a `ReloadError`.
    "auth_rbac::SourceError",
    "auth_session::CookieError",
    // Opening the folder; what its calls answer is a `StoreError`.
    "auth_session::FileStoreError",
    "auth_session::OriginError",
    "auth_session::PolicyError",
    "auth_web::PublicUrlError",
    "auth_web::SetupError",
    // The refusals themselves.
    "auth_core::Refusal",
    "auth_web::Refusal",
];

/// Who adds an error says here whether a handler can meet it.
#[test]
fn no_error_is_forgotten() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let from = fs::read_to_string(root.join("auth-web/src/refusal/from.rs")).unwrap();
    let mut found = BTreeSet::new();
    for name in ["core", "credentials", "jwt", "rbac", "session", "web"] {
        errors_in(&root.join(format!("auth-{name}/src")), &format!("auth_{name}"), &mut found);
    }
    assert!(found.len() > 50, "{found:?}");
    let covered = |error: &&String| {
        let (module, name) = error.split_once("::").unwrap();
        let short = module.trim_start_matches("auth_");
        let row = |path: String| from.contains(&format!("    {path} => "));
        row(format!("{short}::{name}"))
            || (row(name.to_owned()) && uses(&from, module, name))
            || OF_SET_UP.contains(&error.as_str())
    };
    let forgotten: Vec<_> = found.iter().filter(|error| !covered(error)).collect();
    assert!(forgotten.is_empty(), "{forgotten:?}");
    for listed in OF_SET_UP {
        assert!(found.contains(listed), "{listed} is gone");
    }
}

/// Whether the file imports `name` from this crate.
fn uses(file: &str, module: &str, name: &str) -> bool {
    let import = file.split("use ").find(|import| import.starts_with(module)).unwrap_or_default();
    let import = import.split(';').next().unwrap_or_default();
    import.split([',', '{', '}', ' ', '\n']).any(|word| word == name)
}

/// The public errors that are declared in the files of a folder.
fn errors_in(folder: &Path, module: &str, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            errors_in(&path, module, found);
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        for declared in text.split("thiserror::Error)]").skip(1) {
            let line = declared.lines().find(|line| !line.is_empty() && !line.starts_with("#["));
            let public =
                line.and_then(|line| line.strip_prefix("pub enum ").or(line.strip_prefix("pub struct ")));
            if let Some(public) = public {
                let name: String = public.chars().take_while(|c| c.is_alphanumeric()).collect();
                found.insert(format!("{module}::{name}"));
            }
        }
    }
}
