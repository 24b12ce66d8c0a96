//! Questions of the same moment share a trip to the server.
//!
//! A request of its own for each costs more, on both sides, than the lookup that it asks for. So few trips are under way
//! at once, and what is asked meanwhile goes with the next, as one pipeline. Whoever asks when nobody else does is sent
//! off at once. Each question stays a command of its own, about keys of one slot.
//!
//! A trip is on the runtime of the request that began it. If that runtime ends, who went along asks alone; if it is no
//! longer driven, the trip counts as lost after a while, and who went along gets no answer in time.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use auth_core::StoreError;
use redis::{Cmd, Value};
use tokio::{
    sync::oneshot,
    time::{Instant, timeout},
};

use super::{Failure, Intent, Link, Request};

/// How many trips may be under way at once.
const TRIPS: usize = 4;
/// How many questions go on one trip.
const QUESTIONS: usize = 64;
/// How many may wait for a trip.
const MOST_WAITING: usize = 10_000;

/// What waits for a trip, and how many are under way.
#[derive(Default)]
pub(super) struct Waiting {
    questions: VecDeque<Question>,
    /// Each trip's number, and when it was last sent off.
    trips: Vec<(u64, Instant)>,
    numbered: u64,
}

/// Too much waits for a server that does not answer.
#[derive(Debug, thiserror::Error)]
#[error("too many wait for an answer of the redis server")]
struct TooMany;

struct Question {
    command: Cmd,
    answer: oneshot::Sender<Result<Value, Failure>>,
}

impl Link {
    /// Asks something that changes nothing, together with what others ask just now. If the connection was dropped, it is
    /// asked once more on a new one.
    pub(crate) async fn read_together(self: &Arc<Self>, command: Cmd) -> Result<Value, StoreError> {
        let (answer, mut answered) = oneshot::channel();
        let begun = self.wait_for_trip(Question { command: command.clone(), answer })?;
        self.begin(begun);
        // A trip has its own limits. These are for the wait before it, which ends late if the server is frozen.
        let mut answer = timeout(self.response_timeout, &mut answered).await;
        if answer.is_err() {
            // The trips that it waited for may have ended with their runtime, and told nobody.
            let begun = self.waiting().begin(self.patience());
            self.begin(begun);
            answer = timeout(self.connect_timeout, answered).await;
        }
        match answer {
            Ok(Ok(answer)) => answer.map_err(|failure| failure.into_store_error(Intent::Read)),
            // The runtime that the trip was on is gone, which says nothing of the server.
            Ok(Err(_)) => self.read(&command).await,
            Err(_) => Err(StoreError::timeout()),
        }
    }

    /// A trip belongs to nobody who asks: a request that is given up takes the answers of no others with it.
    fn begin(self: &Arc<Self>, trip: Option<u64>) {
        if let Some(number) = trip {
            tokio::spawn(travel(Trip { link: Arc::clone(self), number }));
        }
    }

    /// How long a load may take, connecting included.
    fn patience(&self) -> Duration {
        self.response_timeout.saturating_add(self.connect_timeout)
    }

    /// Answers the number of the trip that is to be begun, if one is. It counts as under way.
    fn wait_for_trip(&self, question: Question) -> Result<Option<u64>, StoreError> {
        let mut waiting = self.waiting();
        if waiting.questions.len() >= MOST_WAITING {
            waiting.questions.retain(Question::is_asked);
            if waiting.questions.len() >= MOST_WAITING {
                return Err(StoreError::not_written(TooMany));
            }
        }
        waiting.questions.push_back(question);
        Ok(waiting.begin(self.patience()))
    }
}

impl Question {
    /// Who gave up asks nothing.
    fn is_asked(&self) -> bool {
        !self.answer.is_closed()
    }
}

impl Waiting {
    fn begin(&mut self, longest: Duration) -> Option<u64> {
        if self.trips.len() >= TRIPS {
            // One that takes longer than its own limits is on a runtime that nobody drives.
            self.trips.retain(|(_, since)| since.elapsed() < longest);
        }
        if self.trips.len() >= TRIPS {
            return None;
        }
        self.numbered = self.numbered.wrapping_add(1);
        self.trips.push((self.numbered, Instant::now()));
        Some(self.numbered)
    }

    fn end(&mut self, number: u64) {
        self.trips.retain(|(other, _)| *other != number);
    }

    /// What goes along with a trip. If there is nothing, or it was taken for lost, it is over in the same step: who asks
    /// after it begins another.
    fn send_off(&mut self, number: u64) -> Option<Vec<Question>> {
        let many = self.questions.len().min(QUESTIONS);
        let trip = self.trips.iter_mut().find(|(other, _)| *other == number).filter(|_| many > 0);
        match trip {
            Some((_, since)) => {
                *since = Instant::now();
                Some(self.questions.drain(..many).filter(Question::is_asked).collect())
            }
            None => {
                self.end(number);
                None
            }
        }
    }
}

/// A trip that is under way.
struct Trip {
    link: Arc<Link>,
    number: u64,
}

impl Drop for Trip {
    fn drop(&mut self) {
        // If it is still under way, its runtime ended.
        self.link.waiting().end(self.number);
    }
}

async fn travel(trip: Trip) {
    loop {
        // Whoever is about to ask, such as those who just got an answer, goes along: without this, trips leave nearly empty.
        tokio::task::yield_now().await;
        // The lock is not held on the way.
        let Some(questions) = trip.link.waiting().send_off(trip.number) else { return };
        let answers = trip.link.ask(&questions).await;
        for (question, answer) in questions.into_iter().zip(answers) {
            // Whoever asked may have gone meanwhile.
            drop(question.answer.send(answer));
        }
    }
}

impl Link {
    /// The answer to each question.
    async fn ask(&self, questions: &[Question]) -> Vec<Result<Value, Failure>> {
        match questions {
            [] => Vec::new(),
            [alone] => vec![self.attempt_twice(Request::One(&alone.command)).await],
            many => {
                let mut commands = redis::pipe();
                // The failure of one is no failure of the others.
                commands.ignore_errors();
                for question in many {
                    commands.add_command(question.command.clone());
                }
                match self.attempt_twice(Request::Many(&commands)).await {
                    Ok(Value::Array(values)) => {
                        let answer = |value: Value| value.extract_error().map_err(Failure::Failed);
                        values.into_iter().map(answer).collect()
                    }
                    // One value for many questions, which `attempt` never makes.
                    Ok(_) => Vec::new(),
                    Err(failure) => many.iter().map(|_| Err(failure.clone())).collect(),
                }
            }
        }
    }
}
