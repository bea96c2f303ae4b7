//! Taking over what the old system has: exports of its Projects and Budgets tables, as projects of ours. Every row and value that is
//! not taken as it stands is reported. Nothing is written unless that is asked for, and what was imported is not imported again.
//!
//! | module | what it has |
//! | --- | --- |
//! | `export` | reading exports |
//! | `project`, `budget`, `lines` | old rows as ours |
//! | `number`, `value` | decimals that were floats or typed by people; days and moments |
//! | `report` | what was changed, left out and refused |

mod budget;
mod export;
mod lines;
mod mark_up;
mod number;
mod project;
mod report;
mod value;

use std::collections::{BTreeMap, BTreeSet};
use std::panic::AssertUnwindSafe;

use access::people::{People, Person};
use access::teams::TeamRole;
use futures_util::FutureExt;
use serde_json::Value;
use shared_utils::aws::AwsConfig;
use shared_utils::clock::Clock;
use shared_utils::dynamo::{Store, StoreError};
use shared_utils::env::{EnvError, Environment};
use shared_utils::ids::UserId;

pub use export::{Export, ExportError, Row, read as read_export};
pub use report::{Fate, Finding, Report};

use project::OldProject;
use projects_router::store::ProjectStore;

/// What an import goes by.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Who is who: a user id of the old system, and the account here.
    pub people: BTreeMap<String, UserId>,
    /// Owner of every project.
    pub owner: UserId,
    /// What the others in a team may do.
    pub member_role: TeamRole,
    /// Whether anything is written.
    pub apply: bool,
}

/// What an import came to.
#[derive(Debug, Default)]
pub struct Summary {
    /// Projects that were written, or would be.
    pub projects: usize,
    /// Budget lines in them.
    pub lines: usize,
    /// Projects that had been imported before.
    pub already_there: usize,
    /// Projects that could not be imported; the report says why.
    pub failed: usize,
    /// Whether the table could not be reached: what was written until then stays, and is not written again.
    pub stopped: bool,
    /// Everything that was not taken as it stood.
    pub report: Report,
}

/// Why an import did not begin.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// Accounts that projects would be given to, and that are not there or not active.
    #[error("there is no active account {0}")]
    NoAccount(UserId),
    /// A table.
    #[error("{}", .0.for_log())]
    Table(#[from] StoreError),
}

/// Imports into the tables of an environment.
pub struct Importer {
    store: ProjectStore,
    people: People,
    clock: Clock,
}

impl Importer {
    /// Reads `PROJECTS_TABLE`, `AUTH_TABLE` and what the SDK needs from the environment.
    pub fn from_env(env: &Environment) -> Result<Self, EnvError> {
        let aws = AwsConfig::from_env(env)?;
        Ok(Self::new(&aws, env.required("PROJECTS_TABLE")?, env.required("AUTH_TABLE")?, Clock::System))
    }

    /// Imports into these tables.
    pub fn new(aws: &AwsConfig, projects_table: String, auth_table: String, clock: Clock) -> Self {
        let store = Store::new(aws.dynamodb());
        Self { people: People::new(store.clone(), auth_table), store: ProjectStore::new(store, projects_table, clock.clone()), clock }
    }

    /// Imports what the exports hold.
    pub async fn run(&self, projects: Export, budgets: Export, settings: &Settings) -> Result<Summary, ImportError> {
        self.check_people(settings).await?;
        let mut summary = Summary::default();
        for (table, export) in [("Projects", &projects), ("Budgets", &budgets)] {
            for (row, why) in &export.refused {
                summary.report.of(format!("{table} row {row}")).refused_row(why);
            }
        }
        let mut of_project: BTreeMap<String, Vec<Row>> = BTreeMap::new();
        for row in budgets.rows {
            let id = row.get("projectId").and_then(Value::as_str).unwrap_or_default().to_owned();
            of_project.entry(id).or_default().push(row);
        }
        let mut seen = BTreeSet::new();
        for row in projects.rows {
            let id = row.get("projectId").and_then(Value::as_str).unwrap_or("?").to_owned();
            let read = std::panic::catch_unwind(AssertUnwindSafe(|| project::read_project(row, settings, self.clock.now(), &mut summary.report)));
            let Ok(old) = read else {
                summary.failed += 1;
                summary.report.of(format!("Projects {id}")).refused_row("it cannot be read");
                continue;
            };
            let Some(old) = old else { continue };
            if !seen.insert(old.old_id.clone()) {
                summary.report.of(format!("Projects {}", old.old_id)).refused_row("there is another row of this id");
                continue;
            }
            let rows = of_project.remove(&old.old_id).unwrap_or_default();
            // Nothing that an export holds may end the import: neither a fault of ours nor one that the table finds.
            let imported = AssertUnwindSafe(self.import(&old, rows, settings.apply, &mut summary.report)).catch_unwind().await;
            match imported.unwrap_or_else(|_| Err(StoreError::corrupt("it cannot be read"))) {
                Ok(Some(lines)) => {
                    summary.projects += 1;
                    summary.lines += lines;
                }
                Ok(None) => summary.already_there += 1,
                Err(error) => {
                    let why = error.for_log();
                    summary.failed += 1;
                    summary.report.of(format!("Projects {}", old.old_id)).refused_row(format!("it could not be imported: {why}"));
                    if !matches!(error, StoreError::Broken(_)) {
                        // The others would fail as well.
                        summary.stopped = true;
                        return Ok(summary);
                    }
                }
            }
        }
        for (id, rows) in of_project {
            summary.report.of(format!("Budgets {id}")).refused_row(format!("{} rows of a project that is not in the export", rows.len()));
        }
        Ok(summary)
    }

    /// Imports a project; how many budget lines it has. `None` when it is there already.
    async fn import(&self, old: &OldProject, rows: Vec<Row>, apply: bool, report: &mut Report) -> Result<Option<usize>, StoreError> {
        let budget = budget::read_budget(old, rows, report);
        let lines: usize = budget.revisions.values().map(|(_, lines)| lines.len()).sum();
        let is_new = if apply { self.store.import(&old.project, &budget).await? } else { !self.store.is_imported(old.project.id).await? };
        Ok(is_new.then_some(lines))
    }

    async fn check_people(&self, settings: &Settings) -> Result<(), ImportError> {
        let wanted: Vec<UserId> = settings.people.values().copied().chain([settings.owner]).collect();
        let found = self.people.find(&wanted).await?;
        match wanted.into_iter().find(|user| !found.get(user).is_some_and(Person::is_active)) {
            Some(user) => Err(ImportError::NoAccount(user)),
            None => Ok(()),
        }
    }
}
