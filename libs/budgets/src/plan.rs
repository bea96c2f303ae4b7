//! Plans a PATCH of a budget: the next state of the budget, and the writes that lead to it. The order is header, lines, deleted lines, new
//! revision, deleted revision, client revision. Either all changes happen or none.

use std::collections::BTreeMap;

use shared_utils::clock::Timestamp;
use shared_utils::fields::Patch;
use shared_utils::ids::{GenerationId, LineId};

use crate::apply::apply_lines;
use crate::budget::{BudgetRead, BudgetWrite};
use crate::patch::{BudgetPatch, CreateRevision};
use crate::{Error, Line, Revision};

/// The lines of a revision.
pub type Lines = BTreeMap<LineId, Line>;

/// The next state of a budget, and the writes that lead to it.
#[derive(Debug)]
pub struct Plan {
    /// The budget after the change.
    pub next: BudgetRead,
    /// The changes to write.
    pub write: BudgetWrite,
    /// The revision that the response shows.
    pub shown: u64,
    /// The lines of the shown revision.
    pub lines: Lines,
    /// The lines that were written.
    pub written: Vec<LineId>,
    /// A written revision that the response does not show, with its lines.
    pub also_written: Option<(u64, Lines)>,
}

/// The result of planning.
#[derive(Debug)]
pub enum Planned {
    /// The plan is complete.
    Plan(Box<Plan>),
    /// The lines of this revision must be read first.
    NeedsLines(u64),
}

/// Plans a change of `before`. `lines` are the lines that were read so far, by revision. `slug` is the start of new lines' element keys.
pub fn plan(before: &BudgetRead, patch: &BudgetPatch, lines: &BTreeMap<u64, Lines>, slug: &str, now: Timestamp) -> Result<Planned, Error> {
    let mut next = before.clone();
    next.budget.version += 1;
    let number = match patch.revision {
        Some(number) if before.revisions.contains_key(&number) => number,
        Some(_) => return Err(Error::field("revision", "invalid_value", "There is no such revision.")),
        None => before.shown().ok_or(Error::NotFound)?,
    };
    let mut revision = next.revisions.get(&number).cloned().ok_or(Error::NotFound)?;
    let Some(own) = lines.get(&number) else { return Ok(Planned::NeedsLines(number)) };
    let mut plan = Plan { next, write: BudgetWrite::default(), shown: number, lines: own.clone(), written: Vec::new(), also_written: None };
    if patch.writes_revision() {
        plan.set_currency(patch)?;
        let outcome = apply_lines(patch, &mut revision, &mut plan.lines, slug, now)?;
        plan.write_lines(&mut revision, &outcome.written, &outcome.deleted, now);
        plan.written = outcome.written;
        plan.next.revisions.insert(number, revision);
        plan.write.revisions.insert(number);
    }
    if let Some(create) = &patch.create_revision {
        if patch.writes_revision() {
            plan.also_written = Some((number, plan.lines.clone()));
        }
        if let Some(needed) = plan.create_revision(create, number, lines, now)? {
            return Ok(Planned::NeedsLines(needed));
        }
    }
    plan.delete_revision(patch)?;
    plan.set_client_revision(patch)?;
    if !plan.next.revisions.contains_key(&plan.shown) {
        // The shown revision was just deleted. The response then shows what GET shows.
        plan.shown = plan.next.shown().ok_or(Error::NotFound)?;
        let Some(shown) = lines.get(&plan.shown) else { return Ok(Planned::NeedsLines(plan.shown)) };
        plan.lines = shown.clone();
    }
    if patch.is_empty() {
        plan.next.budget.version = before.budget.version;
    }
    Ok(Planned::Plan(Box::new(plan)))
}

impl Plan {
    /// Sets the currency. It is fixed once there are lines.
    fn set_currency(&mut self, patch: &BudgetPatch) -> Result<(), Error> {
        let Some(currency) = patch.header.as_ref().and_then(|header| header.currency.clone()) else { return Ok(()) };
        if currency != self.next.budget.currency && self.next.revisions.values().any(|revision| revision.line_count > 0) {
            return Err(Error::field(["header", "currency"], "read_only", "The currency is fixed once there are lines."));
        }
        self.next.budget.currency = currency;
        Ok(())
    }

    /// Adds a few changed lines to the transaction. Many changed lines go into a new generation, which replaces the shown one.
    fn write_lines(&mut self, revision: &mut Revision, written: &[LineId], deleted: &[LineId], now: Timestamp) {
        let generation = revision.generation;
        self.write.put_lines = written.iter().filter_map(|line| self.lines.get(line)).map(|line| (generation, line.clone())).collect();
        self.write.delete_lines = deleted.iter().map(|line| (generation, *line)).collect();
        if !self.write.fits() {
            self.write.put_lines.clear();
            self.write.delete_lines.clear();
            revision.generation = GenerationId::generate(now);
            self.write.generations.push((revision.generation, self.lines.values().cloned().collect()));
            self.write.replaced.push(generation);
        }
    }

    /// Adds a revision, empty or with the lines of another. The plan already has the lines of the revision `read`. Returns the number of a
    /// revision whose lines must be read first.
    fn create_revision(&mut self, create: &CreateRevision, read: u64, lines: &BTreeMap<u64, Lines>, now: Timestamp) -> Result<Option<u64>, Error> {
        let number = self.next.budget.highest_revision + 1;
        let mut revision = match create.duplicate_of {
            None => {
                self.lines = Lines::new();
                Revision::empty(number, None, now)
            }
            Some(original) => {
                let source = self.next.revisions.get(&original);
                let source = source.ok_or_else(|| Error::field(["createRevision", "duplicateOf"], "invalid_value", "There is no such revision."))?;
                if original != read {
                    let Some(copied) = lines.get(&original) else { return Ok(Some(original)) };
                    self.lines = copied.clone();
                }
                Revision { revision: number, generation: GenerationId::generate(now), created_at: now, updated_at: now, ..source.clone() }
            }
        };
        if let Some(title) = &create.title {
            revision.title = Some(title.clone());
        }
        self.write.generations.push((revision.generation, self.lines.values().cloned().collect()));
        self.write.revisions.insert(number);
        self.next.revisions.insert(number, revision);
        self.next.budget.highest_revision = number;
        self.shown = number;
        Ok(None)
    }

    fn delete_revision(&mut self, patch: &BudgetPatch) -> Result<(), Error> {
        let Some(number) = patch.delete_revision else { return Ok(()) };
        if !self.next.revisions.contains_key(&number) {
            return Err(Error::field("deleteRevision", "invalid_value", "There is no such revision."));
        }
        if self.next.revisions.len() == 1 {
            return Err(Error::LastRevision);
        }
        if self.next.budget.client_revision == Some(number) {
            return Err(Error::ClientRevision);
        }
        self.write.revisions.remove(&number);
        self.write.delete_revisions.push(number);
        if let Some(gone) = self.next.revisions.remove(&number).map(|revision| revision.generation) {
            // The changes of the same request to the deleted revision need not be written.
            self.write.put_lines.retain(|(generation, _)| *generation != gone);
            self.write.delete_lines.retain(|(generation, _)| *generation != gone);
            self.write.generations.retain(|(generation, _)| *generation != gone);
            self.write.replaced.push(gone);
        }
        Ok(())
    }

    fn set_client_revision(&mut self, patch: &BudgetPatch) -> Result<(), Error> {
        match patch.client_revision {
            Patch::Absent => {}
            Patch::Clear => self.next.budget.client_revision = None,
            Patch::Set(number) if self.next.revisions.contains_key(&number) => self.next.budget.client_revision = Some(number),
            Patch::Set(_) => return Err(Error::field("clientRevision", "invalid_value", "There is no such revision.")),
        }
        Ok(())
    }
}
