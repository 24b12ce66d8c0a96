//! The memory stores under the suites that every store must pass, races on OS threads included.

mod sessions {
    use crate::MemorySessions;

    async fn fresh() -> MemorySessions {
        MemorySessions::new(2_000)
    }

    crate::session_store_conformance!(fresh, threads);
}
