//! The open connections, for the console.

use std::sync::{Arc, PoisonError, Weak};

use serde_json::{Value, json};

use super::{Entry, Gateway, Order, dispatch};
use crate::feed::Direction;

/// The open connections of a gateway. Clones are cheap.
#[derive(Clone)]
pub struct Sockets(pub(super) Weak<Gateway>);

impl Sockets {
    fn all(&self) -> Vec<(String, Arc<Entry>)> {
        let Some(gateway) = self.0.upgrade() else { return Vec::new() };
        let connections = gateway.connections.lock().unwrap_or_else(PoisonError::into_inner);
        connections.iter().map(|(id, entry)| (id.clone(), entry.clone())).collect()
    }

    /// `{"connectionId": "…", "connectedAt": "…", "lastActiveAt": "…", "sourceIp": "…", "userAgent": "…"}` of each, the oldest first.
    pub(crate) fn list(&self) -> Vec<Value> {
        let mut all = self.all();
        all.sort_by_key(|(_, entry)| entry.context.connected_at);
        let describe = |(id, entry): (String, Arc<Entry>)| {
            let context = &entry.context;
            json!({
                "connectionId": id,
                "connectedAt": context.connected_at,
                "lastActiveAt": entry.last_active(),
                "sourceIp": context.peer.to_string(),
                "userAgent": context.user_agent,
            })
        };
        all.into_iter().map(describe).collect()
    }

    fn order(&self, id: &str, order: Order) -> bool {
        self.0.upgrade().is_some_and(|gateway| gateway.order(id, order))
    }

    /// Posts a frame to the client. `false` if there is no such connection, here and below.
    pub(crate) fn send(&self, id: &str, text: &str) -> bool {
        let is_sent = self.order(id, Order::Send(text.to_owned()));
        if is_sent && let Some(gateway) = self.0.upgrade() {
            gateway.note(id, Direction::ToClient, text, None);
        }
        is_sent
    }

    /// Handles a frame as if the client had sent it.
    pub(crate) fn receive(&self, id: &str, text: &str) -> bool {
        let Some((gateway, entry)) = self.0.upgrade().and_then(|gateway| Some((gateway.clone(), gateway.entry(id)?))) else { return false };
        dispatch(&gateway, &entry, text);
        true
    }

    /// Closes a connection with a close frame.
    pub(crate) fn close(&self, id: &str) -> bool {
        self.order(id, Order::Close)
    }

    /// Ends a connection without a close frame.
    pub(crate) fn cut(&self, id: &str) -> bool {
        self.order(id, Order::Cut)
    }

    /// Ends every connection without a close frame.
    pub(crate) fn cut_all(&self) {
        for (_, entry) in self.all() {
            let _ = entry.orders.send(Order::Cut);
        }
    }
}
