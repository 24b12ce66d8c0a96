//! How calls are made to happen at once.

mod tasks;
mod threads;

use std::{pin::Pin, sync::Arc};

use async_trait::async_trait;

pub use tasks::Tasks;
pub use threads::Threads;

/// One of several calls that are made at once. It never panics, whatever the store does.
pub type Contender = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Runs calls truly at once.
///
/// Whatever it is, more than one thread must take part: futures that are joined on one thread take turns
/// at their `.await`s, and a store without any never notices a race.
#[async_trait]
pub trait Race: Send + Sync {
    /// Runs one race after the other, the contenders of each as nearly at the same time as can be, and all to
    /// their end. A race begins when all its contenders are there, those of the races before behind them.
    async fn run(&self, races: Vec<Vec<Contender>>);

    /// How often each race is repeated. More find more, and take longer.
    fn rounds(&self) -> u32;

    /// How many contend where all do the same; at least two.
    fn width(&self) -> u32;
}

/// The races by lane: what each thread or task has to do, one after the other, each with how many of the
/// race have not come yet. A race with fewer contenders than there are lanes leaves the last ones out.
fn lanes<B>(races: Vec<Vec<Contender>>, barrier: impl Fn(usize) -> B) -> Vec<Vec<(Arc<B>, Contender)>> {
    let mut lanes: Vec<Vec<_>> = Vec::new();
    for contenders in races {
        let barrier = Arc::new(barrier(contenders.len()));
        lanes.resize_with(lanes.len().max(contenders.len()), Vec::new);
        for (lane, contender) in lanes.iter_mut().zip(contenders) {
            lane.push((Arc::clone(&barrier), contender));
        }
    }
    lanes
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    /// Runs races of these sizes, and answers in which order their contenders ran.
    async fn order_of(race: &dyn Race, sizes: &[usize]) -> Vec<usize> {
        let log = Arc::new(Mutex::new(Vec::new()));
        let races = sizes.iter().enumerate().map(|(n, size)| {
            let contender = |_| {
                let log = Arc::clone(&log);
                Box::pin(async move { log.lock().unwrap().push(n) }) as Contender
            };
            (0..*size).map(contender).collect()
        });
        race.run(races.collect()).await;
        Arc::into_inner(log).unwrap().into_inner().unwrap()
    }

    /// Fewer workers than contenders must not wait for each other for ever.
    #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
    async fn every_contender_runs_in_its_race_and_to_its_end() {
        for race in [&Threads::new() as &dyn Race, &Tasks::new(tokio::spawn)] {
            let log = order_of(race, &[3; 100]).await;
            assert!(log.is_sorted() && log.len() == 300, "{log:?}");
            let mut log = order_of(race, &[2, 4, 1, 3]).await;
            log.sort_unstable();
            assert_eq!(log, [0, 0, 1, 1, 1, 1, 2, 3, 3, 3]);
        }
    }
}
