//! The suite of counter stores.

mod at_once;
mod sample;
mod separate;
mod sum;
mod window;

use std::sync::Arc;

use super::{
    check::{Bench, checks, run},
    race::Race,
    report::Report,
};
use crate::CounterStore;

type CounterBench<'a> = Bench<'a, dyn CounterStore>;

checks! { dyn CounterStore:
    sum {
        a_count_is_the_sum_with_the_new_amount_in_it,
        adding_nothing_only_reads,
        a_sum_saturates,
        a_reset_forgets_the_count,
        purging_forgets_nothing_that_counts,
        a_clock_at_the_beginning_of_time_counts,
    }
    window {
        a_count_looks_back_over_the_whole_window,
        a_count_is_forgotten_a_bucket_after_the_window,
        a_window_slides,
        a_slow_clock_takes_nothing_away,
        a_slow_clock_counts,
    }
    separate {
        keys_count_apart,
        windows_count_apart,
        a_reset_leaves_other_keys_and_windows,
    }
    at_once {
        nothing_that_is_added_at_once_is_lost,
        nothing_is_lost_while_a_bucket_begins,
    }
}

/// Checks a [`CounterStore`]: every sentence of its contract, and adding at once.
///
/// `fresh` makes an empty store; it is called once for each check. Counts that are too low are failures
/// always, counts that are too high only where the store calls them exact. No check has more keys than
/// rounds, or 100.
pub async fn counter_store<S, Fut>(fresh: impl Fn() -> Fut, race: &dyn Race) -> Report
where
    S: CounterStore + 'static,
    Fut: Future<Output = S>,
{
    let fresh = || async { Arc::new(fresh().await) as Arc<dyn CounterStore> };
    run("counter_store", CHECKS, fresh, race).await
}
