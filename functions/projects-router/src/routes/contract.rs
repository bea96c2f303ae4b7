//! What the generated contract says of these routes. Not linked into the function.

use budgets::read_fields;
use files::contract::FileRoutes;
use files::{FileLimits, OwnerKind};
use http::Method;
use serde_json::json;
use shared_utils::clock::Timestamp;
use shared_utils::contract::Operation;

use super::budget_get::BudgetResponse;
use super::budget_patch::BudgetChange;
use super::list::ProjectPage;
use super::{create, patch, team_put};
use crate::project::{Changes, ProjectView, TeamEntry};

const FILES: FileRoutes = FileRoutes {
    files: "/projects/{id}/files",
    file: "/projects/{id}/files/{fileId}",
    complete: "/projects/{id}/files/{fileId}/complete",
    ids: ["listProjectFiles", "createProjectFile", "completeProjectFile", "getProjectFile", "deleteProjectFile"],
    readers: "For everybody in the team.",
    writers: "For editors and owners.",
    are_attached: false,
};

/// Every operation of this function.
pub fn operations() -> Vec<Operation> {
    let mut all = projects();
    all.extend(team());
    all.extend(budgets());
    all.extend(files::contract::operations(&FILES, FileLimits::of(OwnerKind::Project).file));
    all
}

fn projects() -> Vec<Operation> {
    vec![
        Operation::new(
            Method::GET,
            "/projects/list",
            "listProjects",
            "Lists the caller's projects.",
            "The latest change comes first. Items are parts of projects.",
        )
        .asks("status", "Only projects with exactly this status.", json!({"type": "string"}))
        .asks("q", "Only projects with this text in their title, in any case and Unicode form.", json!({"type": "string"}))
        .paged()
        .gives::<ProjectPage>(200, "A page of projects.", &[])
        .fails(&["invalid_parameter"]),
        Operation::new(
            Method::POST,
            "/projects",
            "createProject",
            "Creates a project.",
            "The caller becomes its owner. The project, its team and revision 1 of its budget are made at once.",
        )
        .takes(|fields| drop(create::read(fields, Timestamp::from_millis(0))))
        .idempotent()
        .gives::<ProjectView>(201, "The project.", &["Location", "ETag", "Idempotent-Replayed"])
        .fails(&["not_found"]),
        Operation::new(Method::GET, "/projects/{id}", "getProject", "Gets a project.", "For its team and for administrators.")
            .cacheable()
            .gives::<ProjectView>(200, "The project.", &["ETag"]),
        Operation::new(
            Method::PATCH,
            "/projects/{id}",
            "updateProject",
            "Changes a project.",
            "A merge patch (RFC 7396): null clears a field, arrays are replaced. For editors and owners.",
        )
        .takes(|fields| drop(patch::read(fields, &Changes::new())))
        .conditional()
        .gives::<ProjectView>(200, "The project as it is now.", &["ETag"])
        .fails(&["forbidden"]),
        Operation::new(
            Method::DELETE,
            "/projects/{id}",
            "deleteProject",
            "Deletes a project.",
            "For owners. Budget, team and conversation are unreachable at once.",
        )
        .conditional()
        .gives_nothing(204, "The project is gone.", &[])
        .fails(&["forbidden"]),
    ]
}

fn team() -> Vec<Operation> {
    const MEMBER: &str = "/projects/{id}/team/{userId}";
    vec![
        Operation::new(
            Method::PUT,
            MEMBER,
            "setTeamMember",
            "Adds someone to a team, or changes their role.",
            "For owners. A team has at most 100 people.",
        )
        .takes(|fields| drop(team_put::read(fields)))
        .conditional()
        .gives::<TeamEntry>(200, "The entry in the team.", &["ETag"])
        .fails(&["forbidden", "conflict", "last_owner"]),
        Operation::new(
            Method::DELETE,
            MEMBER,
            "removeTeamMember",
            "Removes someone from a team.",
            "For owners. Anyone may leave; the last owner cannot.",
        )
        .conditional()
        .gives_nothing(204, "The person is not in the team.", &[])
        .fails(&["forbidden", "last_owner"]),
    ]
}

/// A budget, or with `Prefer: return=minimal` what was written.
#[derive(schemars::JsonSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "only its schema is used")]
enum BudgetPatchResponse {
    Whole(Box<BudgetResponse>),
    Minimal(Box<BudgetChange>),
}

fn budgets() -> Vec<Operation> {
    vec![
        Operation::new(
            Method::GET,
            "/projects/{id}/budget",
            "getBudget",
            "Gets a budget.",
            "One revision with its lines: the one that was asked for, else the client's, else the highest. For editors and owners.",
        )
        .asks("revision", "The number of a revision.", json!({"type": "integer", "minimum": 0}))
        .cacheable()
        .gives::<BudgetResponse>(200, "The budget.", &["ETag"])
        .fails(&["forbidden", "invalid_parameter", "validation_failed"]),
        Operation::new(
            Method::PATCH,
            "/projects/{id}/budget",
            "updateBudget",
            "Changes a budget.",
            "All of it happens or none. A line without `budgetItemId` is new.",
        )
        .takes(|fields| drop(read_fields(fields)))
        .idempotent()
        .conditional()
        .header("Prefer")
        .gives::<BudgetPatchResponse>(200, "The budget as it is now, or what was written.", &["ETag", "Idempotent-Replayed", "Preference-Applied"])
        .fails(&["forbidden", "conflict"]),
    ]
}
