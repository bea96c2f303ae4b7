//! Frames that are worth nothing later, and the number of people who get them.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::Value;
use shared_utils::ids::UserId;

use crate::connections::Departure;
use crate::delivery::{Delivery, OnOpening, frame_text};

/// Maximum number of people, besides the person whom the frame is about, who get an ephemeral frame. Where more would get it, nobody does, and
/// clients ask for what it says. So the number of posts does not grow with the square of the people.
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
    /// Other people: [`MAX_AUDIENCE`] of them who are online get it, or none.
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
        let people: Vec<UserId> = audience.own.iter().chain(&audience.others).copied().collect();
        let text: Arc<str> = frame_text(&frame.0).into();
        let Some(mut connections) = self.connections_of(&people).await else { return Vec::new() };
        let is_own = |user: UserId| audience.own == Some(user);
        let online: BTreeSet<UserId> = connections.iter().map(|connection| connection.user_id).filter(|user| !is_own(*user)).collect();
        if online.len() > MAX_AUDIENCE {
            connections.retain(|connection| is_own(connection.user_id));
        }
        self.deliver_to(connections, (&frame.0, OnOpening::GiveUp), |_| Some(text.clone())).await
    }
}
