//! An event on its way into the table.

use std::sync::Arc;

use auth_core::{AuditChain, AuditEvent, ChainHead, KeyRing, PrincipalId, UnixTime};

use crate::number::to_column;

/// What is kept of an event.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) at: UnixTime,
    pub(crate) name: &'static str,
    pub(crate) principal: Option<PrincipalId>,
    pub(crate) content: String,
}

/// An entry with its number and, in a log that is chained, the hash of the one before it and its own.
pub(crate) struct Row<'e> {
    pub(crate) number: i64,
    pub(crate) entry: &'e Entry,
    pub(crate) links: Option<([u8; 32], [u8; 32])>,
}

impl Entry {
    /// The most bytes of what an event says: a statement of many rows has to fit into what servers accept.
    const MAX_CONTENT: usize = 64 << 10;

    /// Reads an event; `None` if it says more than is kept.
    pub(crate) fn new(at: UnixTime, event: &AuditEvent) -> Option<Self> {
        let content = event.to_json(at);
        let fits = content.len() <= Self::MAX_CONTENT;
        fits.then(|| Self { at, name: event.name(), principal: event.principal().cloned(), content })
    }
}

/// The rows of entries that follow `head`, and the last of them.
pub(crate) fn rows<'e>(
    head: ChainHead,
    entries: &'e [Entry],
    ring: Option<&Arc<KeyRing>>,
) -> (Vec<Row<'e>>, ChainHead) {
    let mut rows = Vec::with_capacity(entries.len());
    let Some(ring) = ring else {
        let mut number = head.entry;
        for entry in entries {
            number = number.saturating_add(1);
            rows.push(Row { number: to_column(number), entry, links: None });
        }
        return (rows, ChainHead { entry: number, hash: [0; 32] });
    };
    let mut chain = AuditChain::new(Arc::clone(ring), head);
    for entry in entries {
        let linked = chain.next(entry.content.as_bytes());
        let links = Some((linked.before, linked.hash));
        rows.push(Row { number: to_column(linked.number), entry, links });
        chain.kept(&linked);
    }
    (rows, chain.head())
}
