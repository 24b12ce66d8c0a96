use auth_core::{conformance::*, testing::block_on, *};
use std::sync::Arc;
#[test]
fn xp() {
    let race = Threads::new().rounds(3_000);
    for pass in 0..3 {
        let t = std::time::Instant::now();
        for r in [
            block_on(session_store(|| async { MemorySessions::new(60_000) }, &race)),
            block_on(token_store(|| async { MemoryTokens::new(60_000) }, &race)),
            block_on(counter_store(|| async { MemoryCounters::new(60_000) }, &race)),
            block_on(counter_store(|| async { MemoryCounters::new(1) }, &race)),
            block_on(assignment_store(|| async { MemoryAssignments::new(60_000) }, &race)),
            block_on(account_store(
                || async {
                    let s = Arc::new(MemoryAccounts::new(60_000));
                    (s.clone(), s)
                },
                &race,
            )),
            block_on(credential_store(
                || async {
                    let s = Arc::new(MemoryAccounts::new(60_000));
                    (s.clone(), s)
                },
                &race,
            )),
        ] {
            println!("XP {pass} {r}");
        }
        println!("XP {:?}", t.elapsed());
    }
}
