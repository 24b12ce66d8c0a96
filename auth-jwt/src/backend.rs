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
