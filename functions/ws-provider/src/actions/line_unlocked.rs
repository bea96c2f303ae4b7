//! `lineUnlocked {projectId, lineId, revision}`: releases the lock of a budget line.

use serde_json::Value;
use shared_utils::fields::{FieldLog, Fields};
use shared_utils::http::Error;

use super::frame::SubjectKey;
use super::line_lock::NamedLine;
use super::{Received, SocketAction};
use crate::App;
use crate::reply::Done;

pub(super) struct LineUnlocked(NamedLine);

impl SocketAction for LineUnlocked {
    const IGNORED: &[&str] = &[];

    fn read<L: FieldLog>(fields: &mut Fields<L>) -> Self {
        Self(NamedLine::read(fields))
    }

    fn subject(&self) -> SubjectKey {
        self.0.subject()
    }

    async fn handle(self, app: &App, received: Received<'_>) -> Result<Value, Error> {
        let (line, team) = self.0.require(&received.session, received.subject.team)?;
        if let Some(released) = app.broadcaster.locks().release(&received.session, received.connection, &line).await? {
            app.broadcaster.broadcast_budget_later(&team.team, released.frame());
        }
        Ok(received.echo.ack(Done::default()))
    }
}
