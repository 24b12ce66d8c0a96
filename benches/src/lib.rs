//! What the benchmarks share: policies and numbers, made the same way for every implementation.

/// A small generator of numbers, so that every run and every implementation sees the same questions.
#[derive(Debug)]
pub struct Numbers(u64);

impl Numbers {
    /// The sequence of this seed.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number below `bound`, by splitmix64.
    pub const fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound
    }
}

/// A policy of the shape of casbin's own large RBAC benchmark: ten users hold a role, ten roles read one kind
/// of data.
#[derive(Debug, Clone, Copy)]
pub struct Shape {
    /// How many users.
    pub users: u64,
    /// How many roles.
    pub roles: u64,
}

impl Shape {
    /// The name of user `n`.
    #[must_use]
    pub fn user(self, n: u64) -> String {
        format!("user{n}")
    }

    /// The name of role `n`.
    #[must_use]
    pub fn role(self, n: u64) -> String {
        format!("group{n}")
    }

    /// The number of the role that user `n` holds.
    #[must_use]
    pub const fn role_of(self, n: u64) -> u64 {
        n / 10 % self.roles
    }

    /// The kind of data that role `n` reads.
    #[must_use]
    pub fn data(self, n: u64) -> String {
        format!("data{}", n / 10)
    }
}

/// Whether this run measures; a smoke test runs each row once.
#[must_use]
pub fn is_measuring() -> bool {
    let has = |name: &str| std::env::args().any(|argument| argument == name);
    has("--bench") && !has("--test")
}
