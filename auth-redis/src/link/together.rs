//! Questions of the same moment share a trip to the server.
//!
//! A request of its own for each costs more, on both sides, than the lookup that it asks for. So few trips are under way
//! at once, and what is asked meanwhile goes with the next, as one pipeline. Whoever asks when nobody else does is sent
//! off at once. Each question stays a command of its own, about keys of one slot.

use std::{collections::VecDeque, sync::Arc};

use auth_core::StoreError;
use redis::{Cmd, Value};
use tokio::{sync::oneshot, time::timeout};

use super::{Failure, Intent, Link, Request};

/// How many trips may be under way at once.
const TRIPS: usize = 4;
/// How many questions go on one trip.
const QUESTIONS: usize = 64;

/// What waits for a trip, and how many are under way.
#[derive(Default)]
pub(super) struct Waiting {
    questions: VecDeque<Question>,
    trips: usize,
}

struct Question {
    command: Cmd,
    answer: oneshot::Sender<Result<Value, Failure>>,
}

impl Link {
    /// Asks something that changes nothing, together with what others ask just now. If the connection was dropped, it is
    /// asked once more on a new one.
    pub(crate) async fn read_together(self: &Arc<Self>, command: Cmd) -> Result<Value, StoreError> {
        let (answer, answered) = oneshot::channel();
        if self.wait_for_trip(Question { command, answer }) {
            // Belongs to nobody who asks: a request that is given up takes the answers of no others with it.
            tokio::spawn(travel(Trip { link: Arc::clone(self), is_over: false }));
        }
        // A trip has its own limits. This one is for the wait before it, which ends late if the server is frozen.
        match timeout(self.patience, answered).await {
            Ok(Ok(answer)) => answer.map_err(|failure| failure.into_store_error(Intent::Read)),
            // The runtime that the trip was on is gone.
            Ok(Err(gone)) => Err(StoreError::not_written(gone)),
            Err(_) => Err(StoreError::timeout()),
        }
    }

    /// Answers whether a trip is to be begun, which then counts as under way.
    fn wait_for_trip(&self, question: Question) -> bool {
        let mut waiting = self.waiting();
        waiting.questions.push_back(question);
        let begins = waiting.trips < TRIPS;
        if begins {
            waiting.trips = waiting.trips.saturating_add(1);
        }
        begins
    }
}

/// A trip that is under way.
struct Trip {
    link: Arc<Link>,
    is_over: bool,
}

impl Trip {
    /// What goes along. If there is nothing, the trip is over in the same step: who asks after it begins another.
    fn questions(&mut self) -> Vec<Question> {
        let mut waiting = self.link.waiting();
        let many = waiting.questions.len().min(QUESTIONS);
        if many == 0 {
            waiting.trips = waiting.trips.saturating_sub(1);
            self.is_over = true;
        }
        waiting.questions.drain(..many).collect()
    }
}

impl Drop for Trip {
    fn drop(&mut self) {
        // It was under way when its runtime ended.
        if !self.is_over {
            let mut waiting = self.link.waiting();
            waiting.trips = waiting.trips.saturating_sub(1);
        }
    }
}

async fn travel(mut trip: Trip) {
    loop {
        let mut questions = trip.questions();
        if trip.is_over {
            return;
        }
        // Who gave up asks nothing.
        questions.retain(|question| !question.answer.is_closed());
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
