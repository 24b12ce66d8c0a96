//! The memory stores under the suites that every store must pass, races on OS threads included.

mod sessions {
    use crate::MemorySessions;

    async fn fresh() -> MemorySessions {
        MemorySessions::new(2_000)
    }

    crate::session_store_conformance!(fresh, threads);
}

mod tokens {
    use crate::MemoryTokens;

    async fn fresh() -> MemoryTokens {
        MemoryTokens::new(2_000)
    }

    crate::token_store_conformance!(fresh, threads);
}

mod counters {
    use crate::MemoryCounters;

    async fn fresh() -> MemoryCounters {
        MemoryCounters::new(16_000)
    }

    crate::counter_store_conformance!(fresh, threads);
}

/// Every key of the suite is folded with all others: the promise that is left is that no count is too low.
mod folded_counters {
    use crate::MemoryCounters;

    async fn fresh() -> MemoryCounters {
        MemoryCounters::new(1)
    }

    crate::counter_store_conformance!(fresh, threads);
}

mod accounts {
    use std::sync::Arc;

    use crate::MemoryAccounts;

    async fn fresh() -> (Arc<MemoryAccounts>, Arc<MemoryAccounts>) {
        let store = Arc::new(MemoryAccounts::new(2_000));
        (Arc::clone(&store), store)
    }

    crate::account_store_conformance!(fresh, threads);
    crate::credential_store_conformance!(fresh, threads);
}

mod assignments {
    use crate::MemoryAssignments;

    async fn fresh() -> MemoryAssignments {
        MemoryAssignments::new(2_000)
    }

    crate::assignment_store_conformance!(fresh, threads);
}
