//! `PUT /messages/notifications/read`: marks notifications as read. Ids that are unknown, someone else's or already marked change nothing.

use std::collections::BTreeSet;

use messaging::inbox::{MAX_MARKED, ReadMark};
use shared_utils::fields::{FieldError, FieldLog, FieldPath, Fields, TextSchema};
use shared_utils::http::{Call, Error, Response};
use shared_utils::ids::NotificationId;

use crate::App;

const EXPECTED: &str = "This must be a notification id.";

/// The notifications in the body. `None` if it has an error.
pub(crate) fn read<L: FieldLog>(fields: &mut Fields<L>) -> Option<ReadMark> {
    let up_to = fields.parsed::<NotificationId>("upTo", EXPECTED).value();
    let entries = fields.array("notificationIds", MAX_MARKED, NotificationId::text_schema).value();
    let each = entries.map(|entries| {
        let (mut ids, mut faults) = (BTreeSet::new(), Vec::new());
        for (path, entry) in entries {
            match entry.as_str().map(str::parse) {
                Some(Ok(id)) => drop(ids.insert(id)),
                Some(Err(_)) => faults.push(FieldError::new(path, "invalid_value", EXPECTED)),
                None => faults.push(FieldError::new(path, "wrong_type", EXPECTED)),
            }
        }
        fields.add(faults);
        ids
    });
    match (up_to, each) {
        (Some(last), None) => Some(ReadMark::UpTo(last)),
        (None, Some(ids)) => Some(ReadMark::Each(ids)),
        _ => {
            if !fields.is_faulty() {
                fields.fault_at(&FieldPath::default(), "required", "Either upTo or notificationIds.");
            }
            None
        }
    }
}

pub(super) async fn handle(app: &App, call: Call) -> Result<Response, Error> {
    let caller = call.caller()?;
    let mut fields = Fields::new(call.body);
    let mark = read(&mut fields);
    let found = async {
        match &mark {
            Some(mark) => app.messaging.unread_of(caller.user, mark).await,
            None => Ok(Vec::new()),
        }
    };
    let (session, unread) = app.revocations.with_session_check(caller, found).await?;
    fields.finish()?;
    app.messaging.mark_notifications_read(&session, unread).await?;
    Ok(Response::empty(204))
}
