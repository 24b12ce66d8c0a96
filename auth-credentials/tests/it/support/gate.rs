//! Entropy that holds up whoever draws from it: the hook by which tests stop a worker in the middle of a job.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, Ordering},
    mpsc::{Receiver, Sender, channel},
};

use auth_core::{Entropy, EntropyError, SystemEntropy};

/// Draws pass until the gate is closed; then each announces itself and waits to be let through.
pub(crate) struct GatedEntropy {
    closed: AtomicBool,
    arrived: Mutex<Sender<()>>,
    pass: Mutex<Receiver<()>>,
}

/// The other side of a [`GatedEntropy`].
pub(crate) struct Gate {
    entropy: Arc<GatedEntropy>,
    arrived: Receiver<()>,
    pass: Sender<()>,
}

pub(crate) fn gate() -> (Gate, Arc<GatedEntropy>) {
    let (arrived, on_arrival) = channel();
    let (pass, on_pass) = channel();
    let entropy = Arc::new(GatedEntropy {
        closed: AtomicBool::new(false),
        arrived: Mutex::new(arrived),
        pass: Mutex::new(on_pass),
    });
    (Gate { entropy: Arc::clone(&entropy), arrived: on_arrival, pass }, entropy)
}

impl Gate {
    /// From now on, whoever draws waits.
    pub(crate) fn close(&self) {
        self.entropy.closed.store(true, Ordering::SeqCst);
    }

    /// Returns when somebody waits at the gate.
    pub(crate) fn wait_for_arrival(&self) {
        self.arrived.recv().unwrap();
    }

    /// Lets one through and leaves the gate closed.
    pub(crate) fn let_one_through(&self) {
        self.pass.send(()).unwrap();
    }

    /// Opens the gate for those who come, and lets one through who waits.
    pub(crate) fn open(&self) {
        self.entropy.closed.store(false, Ordering::SeqCst);
        self.let_one_through();
    }
}

impl Entropy for GatedEntropy {
    fn fill(&self, dest: &mut [u8]) -> Result<(), EntropyError> {
        if self.closed.load(Ordering::SeqCst) {
            self.arrived.lock().unwrap().send(()).map_err(|_| EntropyError)?;
            // A test that is over lets everybody go.
            let _ = self.pass.lock().unwrap().recv();
        }
        SystemEntropy.fill(dest)
    }
}
