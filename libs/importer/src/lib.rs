//! Imports projects from exports of the old system's Projects and Budgets tables. The report lists every row and value that is not imported
//! unchanged. The import writes only if the settings say so. A project that was imported is not imported again.
//!
//! | module | contents |
//! | --- | --- |
//! | `export` | reading exports |
//! | `project`, `budget`, `lines` | conversion of old rows |
//! | `files` | the objects that old fields name, as files of the project |
//! | `number`, `value` | decimals that were floats or typed by people; dates and times |
//! | `report` | changed, left out and refused values |

mod budget;
mod export;
mod files;
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
pub use files::{ObjectCopy, OldObjects};
pub use report::{Fate, Finding, Report};

use project::OldProject;
use projects_router::store::ProjectStore;

/// The settings of an import.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Maps a user id of the old system to an account here.
    pub people: BTreeMap<String, UserId>,
    /// The owner of every project.
    pub owner: UserId,
    /// The role of the other team members.
    pub member_role: TeamRole,
    /// The objects of the old bucket. Links to others stay as they are.
    pub objects: OldObjects,
    /// Whether the import writes anything.
    pub apply: bool,
}

/// The result of an import.
#[derive(Debug, Default)]
pub struct Summary {
    /// The number of projects that were written, or would be.
    pub projects: usize,
    /// The number of their budget lines.
    pub lines: usize,
    /// The number of projects that had been imported before.
    pub already_there: usize,
    /// The number of projects that could not be imported. The report says why.
    pub failed: usize,
    /// Whether the import stopped because the table could not be reached. Earlier writes stay, and are not written again.
    pub stopped: bool,
    /// The objects to copy for the imported projects, those that were there already included.
    pub copies: Vec<ObjectCopy>,
    /// Every row and value that was not imported unchanged.
    pub report: Report,
}

/// Why an import did not start.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// An account in the settings does not exist or is not active.
    #[error("there is no active account {0}")]
    NoAccount(UserId),
    /// A table call failed.
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
    /// Reads `PROJECTS_TABLE`, `AUTH_TABLE` and the SDK's variables from the environment.
    pub fn from_env(env: &Environment) -> Result<Self, EnvError> {
        let aws = AwsConfig::from_env(env)?;
        Ok(Self::new(&aws, env.required("PROJECTS_TABLE")?, env.required("AUTH_TABLE")?, Clock::System))
    }

    /// Creates an importer into these tables.
    pub fn new(aws: &AwsConfig, projects_table: String, auth_table: String, clock: Clock) -> Self {
        let store = Store::new(aws.dynamodb());
        Self { people: People::new(store.clone(), auth_table), store: ProjectStore::new(store, projects_table, clock.clone()), clock }
    }

    /// Imports the rows of the exports.
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
            let Some(mut old) = old else { continue };
            if !seen.insert(old.old_id.clone()) {
                summary.report.of(format!("Projects {}", old.old_id)).refused_row("there is another row of this id");
                continue;
            }
            let copies = files::take_over(&mut old, &settings.objects);
            let rows = of_project.remove(&old.old_id).unwrap_or_default();
            // No content of an export may end the import, neither by a bug of ours nor by an error from the table.
            let imported = AssertUnwindSafe(self.import(&old, rows, settings.apply, &mut summary.report)).catch_unwind().await;
            match imported.unwrap_or_else(|_| Err(StoreError::corrupt("it cannot be read"))) {
                Ok(Some(lines)) => {
                    summary.projects += 1;
                    summary.copies.extend(copies);
                    summary.lines += lines;
                }
                Ok(None) => {
                    summary.already_there += 1;
                    summary.copies.extend(copies);
                }
                Err(error) => {
                    let why = error.for_log();
                    summary.failed += 1;
                    summary.report.of(format!("Projects {}", old.old_id)).refused_row(format!("it could not be imported: {why}"));
                    if !matches!(error, StoreError::Broken(_)) {
                        // The other projects would fail as well.
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

    /// Imports a project and returns the number of its budget lines. `None` if the project already exists.
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
