//! Targets of `auth-rbac`.

use auth_rbac::document::PolicyDocument;

/// A policy document in TOML or JSON: what is read is written and read again as the same, and compiles or is refused.
pub fn policy_document(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let read = [PolicyDocument::from_toml(text), PolicyDocument::from_json(text)];
    for document in read.into_iter().flatten() {
        assert_eq!(PolicyDocument::from_toml(&document.to_toml().unwrap()).as_ref(), Ok(&document));
        assert_eq!(PolicyDocument::from_json(&document.to_json().unwrap()).as_ref(), Ok(&document));
        if let Ok(policy) = document.compile() {
            assert_eq!(policy.version(), document.version);
        }
    }
}
