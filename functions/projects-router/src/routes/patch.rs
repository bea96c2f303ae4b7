//! `PATCH /projects/{id}`: a merge patch of the client's fields.

use std::collections::BTreeSet;

use access::teams::TeamRole;
use files::FileOwner;
use files::record::FileStatus;
use serde_json::Value;
use shared_utils::dynamo::{Attempt, retry_on_conflict};
use shared_utils::fields::{FieldLog, Fields};
use shared_utils::http::{Call, Error, Response};
use shared_utils::ids::{FileId, ProjectId};

use super::common::{RETRY, check_version, project_etag, visible};
use crate::App;
use crate::project::{Changes, file_ids, read_changes};
use crate::store::{MAX_BYTES, Project};

pub(super) async fn handle(app: &App, call: Call) -> Result<Response, Error> {
    let caller = call.caller()?;
    let id: ProjectId = call.params.id("id")?;
    let body = call.body;
    retry_on_conflict(RETRY, (), |()| async {
        let (session, project) = visible(app, caller, id, TeamRole::Editor).await?;
        check_version(&call.request, &project)?;
        let mut fields = Fields::new(body.clone());
        let changes = read(&mut fields, &project.fields);
        check_size(&changes, Some(&project), 0, &mut fields);
        check_files(app, id, &changes, &project.fields, &mut fields).await?;
        fields.finish()?;
        if changes.is_empty() {
            return answer(&project).map(Attempt::Done);
        }
        let next = project.changed(&changes, app.context.clock.now());
        if app.store.change(&session, &project, &next, &changes).await? {
            app.broadcast_project(&project, &next, &announced(&changes), caller.user);
            return answer(&next).map(Attempt::Done);
        }
        Ok(Attempt::Stale(()))
    })
    .await
}

/// Adds an error for each id that is not one of a file of this project. Ids that the project has already may stay.
async fn check_files(app: &App, id: ProjectId, changes: &Changes, present: &Changes, fields: &mut Fields) -> Result<(), Error> {
    let known: BTreeSet<FileId> = file_ids(present).into_iter().map(|(_, file)| file).collect();
    let named: Vec<_> = file_ids(changes).into_iter().filter(|(_, file)| !known.contains(file)).collect();
    if named.is_empty() {
        return Ok(());
    }
    let files: Vec<FileId> = named.iter().map(|(_, file)| *file).collect();
    let found = app.files.table().find_many(FileOwner::Project(id), &files).await?;
    for ((path, _), file) in named.iter().zip(found) {
        if file.is_none_or(|file| file.status != FileStatus::Ready) {
            fields.fault_at(path, "invalid_value", "There is no such file in this project.");
        }
    }
    Ok(())
}

/// The fields that change.
pub(crate) fn read<L: FieldLog>(fields: &mut Fields<L>, present: &Changes) -> Changes {
    fields.refuse(&["team"], "The team has its own route.");
    fields.refuse(&["budget"], "The budget has its own route.");
    read_changes(fields, present)
}

fn answer(project: &Project) -> Result<Response, Error> {
    Ok(Response::json(200, &project.whole())?.with_header("etag", project_etag(project)))
}

/// The changed fields for the frame. Values over 2,000 bytes are left out; clients fetch them when needed.
fn announced(changes: &Changes) -> Value {
    let small = |value: &Value| value.to_string().len() <= 2_000;
    Value::Object(changes.iter().filter(|(_, value)| small(value)).map(|(name, value)| (name.clone(), value.clone())).collect())
}

/// Adds an error at the field that makes the project too large.
pub(super) fn check_size(changes: &Changes, before: Option<&Project>, team: usize, fields: &mut Fields) {
    let mut size = before.map_or(team, |project| {
        let replaced: usize = changes.keys().filter_map(|name| project.fields.get(name).map(|value| name.len() + value.to_string().len())).sum();
        project.size() - replaced
    });
    for (name, value) in changes.iter().filter(|(_, value)| !value.is_null()) {
        size += name.len() + value.to_string().len();
        if size > MAX_BYTES {
            fields.fault(name, "too_large", "With this field the project is larger than 390 KB.");
            return;
        }
    }
}
