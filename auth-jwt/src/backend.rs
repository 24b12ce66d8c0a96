//! Which implementation a parsed key becomes.

/// Which key types a parsed key becomes. Both know the same algorithms; nothing ever switches by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Backend {
    /// The key types at the crate's root, in pure Rust. RSA keys need the feature `rsa`, and only verify.
    #[default]
    RustCrypto,
    /// The key types in the module `aws_lc_rs`.
    #[cfg(feature = "aws-lc-rs")]
    AwsLcRs,
}

/// Without AWS-LC, nothing signs with RSA: neither the feature `rsa` nor the default build has a type for it.
///
/// ```compile_fail,E0432
/// use auth_jwt::aws_lc_rs::Rs256SigningKey;
/// ```
///
/// ```compile_fail,E0432
/// use auth_jwt::Rs256SigningKey;
/// ```
#[cfg(all(doctest, not(feature = "aws-lc-rs")))]
struct NoRsaSigning;

/// With it, there is one in its module, and still none at the root.
///
/// ```
/// use auth_jwt::aws_lc_rs::Rs256SigningKey;
/// ```
///
/// ```compile_fail,E0432
/// use auth_jwt::Rs256SigningKey;
/// ```
#[cfg(all(doctest, feature = "aws-lc-rs"))]
struct RsaSigning;
