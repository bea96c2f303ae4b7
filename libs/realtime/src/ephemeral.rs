//! Frames that are worth nothing later, and the number of people who get them.

use std::sync::Arc;

use serde_json::Value;
use shared_utils::ids::UserId;

use crate::connections::Departure;
use crate::delivery::{Delivery, OnOpening, frame_text};

/// Maximum number of people whom an ephemeral frame concerns, besides the person whom it is about. Where it concerns more, nobody gets it, and
/// clients ask for what it says. So the number of posts does not grow with the square of the people. People count whether they are online or not:
/// otherwise a client could be told that someone went, and not that they came back, because more people were online by then.
pub const MAX_AUDIENCE: usize = 50;

/// A frame that is worth nothing later: who is typing, who is online, what others have read. Only [`Delivery::broadcast_ephemeral`] sends it.
#[derive(Debug, Clone, PartialEq)]
pub struct EphemeralFrame(Value);

impl EphemeralFrame {
    /// Marks a frame as ephemeral.
    pub fn new(frame: Value) -> Self {
        Self(frame)
    }
}

/// Who gets an ephemeral frame.
#[derive(Debug, Clone)]
pub struct Audience {
    /// The person whose own devices get it in any case.
    pub own: Option<UserId>,
    /// Other people: at most [`MAX_AUDIENCE`], or nobody of them gets it.
    pub others: Vec<UserId>,
}

impl Audience {
    /// Other people alone.
    pub fn others(others: Vec<UserId>) -> Self {
        Self { own: None, others }
    }
}

impl Delivery {
    /// Like [`Delivery::broadcast`], for a frame that many people may miss.
    pub async fn broadcast_ephemeral(&self, audience: &Audience, frame: &EphemeralFrame) -> Vec<Departure> {
        let others = if audience.others.len() > MAX_AUDIENCE { &[] } else { audience.others.as_slice() };
        let people: Vec<UserId> = audience.own.iter().chain(others).copied().collect();
        let text: Arc<str> = frame_text(&frame.0).into();
        let Some(connections) = self.connections_of(&people).await else { return Vec::new() };
        self.deliver_to(connections, (&frame.0, OnOpening::GiveUp), |_| Some(text.clone())).await.departures
    }
}
