//! Names for tokens.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use auth_core::{Entropy, EntropyError};

use crate::base64url;

/// Makes `jti`s of 128 random bits. They are drawn 32 at a time: asking the system for one takes as long as signing.
///
/// They are names and no secrets, so nothing is given away by the next ones lying in memory. A process that is copied
/// as it runs (a fork, a snapshot of a virtual machine) may go on with the same ones in both: two tokens of one name
/// are then revoked together, and a `jti` that is accepted once is refused to the second. Nothing is let in by it.
pub(crate) struct TokenIds {
    entropy: Arc<dyn Entropy>,
    drawn: Mutex<Drawn>,
}

struct Drawn {
    bytes: [u8; TokenIds::AT_ONCE],
    left: usize,
}

impl TokenIds {
    const LEN: usize = 16;
    const AT_ONCE: usize = 32 * Self::LEN;

    pub(crate) fn new(entropy: Arc<dyn Entropy>) -> Self {
        Self { entropy, drawn: Mutex::new(Drawn { bytes: [0; Self::AT_ONCE], left: 0 }) }
    }

    pub(crate) fn next(&self) -> Result<String, EntropyError> {
        // Whatever panicked cannot have left it half drawn.
        let mut drawn = self.drawn.lock().unwrap_or_else(PoisonError::into_inner);
        let id = match drawn.take() {
            Some(id) => id,
            None => {
                drawn.draw(&*self.entropy)?;
                drawn.take().ok_or(EntropyError)?
            }
        };
        drop(drawn);
        let mut text = String::with_capacity(base64url::encoded_len(Self::LEN));
        base64url::encode_to(&id, &mut text);
        Ok(text)
    }
}

impl Drawn {
    fn draw(&mut self, entropy: &dyn Entropy) -> Result<(), EntropyError> {
        // What was filled in part is thrown away.
        let mut bytes = [0; TokenIds::AT_ONCE];
        entropy.fill(&mut bytes)?;
        *self = Self { bytes, left: bytes.len() };
        Ok(())
    }

    fn take(&mut self) -> Option<[u8; TokenIds::LEN]> {
        let (rest, id) = self.bytes.get(..self.left)?.split_last_chunk()?;
        self.left = rest.len();
        Some(*id)
    }
}

/// From the same source, and not with what was drawn already: no name is given twice.
impl Clone for TokenIds {
    fn clone(&self) -> Self {
        Self::new(Arc::clone(&self.entropy))
    }
}

impl fmt::Debug for TokenIds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenIds").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::{
        collections::HashSet,
        sync::atomic::{AtomicUsize, Ordering},
    };

    use auth_core::SystemEntropy;

    use super::*;

    #[test]
    fn no_name_is_given_twice_by_threads_and_clones() {
        let ids = TokenIds::new(Arc::new(SystemEntropy));
        let first = ids.next().unwrap();
        assert_eq!(first.len(), 22);
        let clone = ids.clone();
        let all: Vec<String> = std::thread::scope(|scope| {
            let from = |ids: &TokenIds| (0..100).map(|_| ids.next().unwrap()).collect::<Vec<_>>();
            let threads = [&ids, &ids, &clone, &clone].map(|ids| scope.spawn(move || from(ids)));
            threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
        });
        assert_eq!(all.iter().chain([&first]).collect::<HashSet<_>>().len(), 401);
    }

    /// Fills a half, and then says that it failed, every second time.
    #[derive(Default)]
    struct Failing(AtomicUsize);

    impl Entropy for Failing {
        fn fill(&self, dest: &mut [u8]) -> Result<(), EntropyError> {
            if self.0.fetch_add(1, Ordering::Relaxed).is_multiple_of(2) {
                let half = dest.len() / 2;
                dest[..half].fill(7);
                return Err(EntropyError);
            }
            SystemEntropy.fill(dest)
        }
    }

    #[test]
    fn nothing_is_made_of_what_a_failing_source_has_left() {
        let ids = TokenIds::new(Arc::new(Failing::default()));
        assert_eq!(ids.next(), Err(EntropyError));
        let made: HashSet<_> = (0..32).map(|_| ids.next().unwrap()).collect();
        assert_eq!(made.len(), 32);
        assert_eq!(ids.next(), Err(EntropyError), "what was drawn is used up, and the next draw fails");
    }
}
