//! `lineLocked {projectId, lineId, revision}`: takes or renews the lock of a budget line. A lock expires after one minute.

use serde_json::Value;
use shared_utils::fields::{FieldLog, Fields};
use shared_utils::http::Error;

use super::frame::SubjectKey;
use super::line_lock::NamedLine;
use super::{Received, SocketAction};
use crate::App;
use crate::reply::Done;

pub(super) struct LineLocked(NamedLine);

impl SocketAction for LineLocked {
    const IGNORED: &[&str] = &[];

    fn read<L: FieldLog>(fields: &mut Fields<L>) -> Self {
        Self(NamedLine::read(fields))
    }

    fn subject(&self) -> SubjectKey {
        self.0.subject()
    }

    async fn handle(self, app: &App, received: Received<'_>) -> Result<Value, Error> {
        let (line, team) = self.0.require(&received.session, received.subject.team)?;
        let lock = app.broadcaster.locks().take(&received.session, received.connection, line).await?;
        app.broadcaster.broadcast_budget_later(&team.team, lock.locked_frame());
        Ok(received.echo.ack(Done { lock: Some(lock.view()), ..Done::default() }))
    }
}
