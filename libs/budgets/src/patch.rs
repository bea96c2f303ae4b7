//! The content of a budget PATCH.

use serde_json::{Map, Value};
use shared_utils::fields::{FieldError, FieldErrors, FieldLog, FieldPath, Fields, Patch, TextSchema, date_schema, one_of, text_schema, text_within};
use shared_utils::ids::LineId;

use super::decimal::{Scale, read_scaled};
use super::line::{LineChanges, read_changes};
use shared_utils::fields::read_date;

/// The maximum number of lines in one PATCH.
const MAX_PATCH_LINES: usize = 1_000;
/// The maximum number of lines in a revision.
pub const MAX_REVISION_LINES: usize = 5_000;

/// An entry of `lines`.
#[derive(Debug, Clone)]
pub struct LinePatch {
    pub(crate) path: FieldPath,
    pub(crate) id: Option<LineId>,
    pub(crate) client_line_id: Option<String>,
    pub(crate) changes: LineChanges,
}

/// `createRevision`.
#[derive(Debug, Clone, Default)]
pub struct CreateRevision {
    pub duplicate_of: Option<u64>,
    pub title: Option<String>,
}

/// `header`: an absent field does not change, and null clears a field.
#[derive(Debug, Clone)]
pub struct HeaderPatch {
    pub(crate) title: Patch<String>,
    pub(crate) start_date: Patch<String>,
    pub(crate) end_date: Patch<String>,
    pub(crate) clients: Patch<Vec<String>>,
    pub(crate) header_ball_park: Patch<i64>,
    pub currency: Option<String>,
}

/// A budget PATCH.
#[derive(Debug, Clone)]
pub struct BudgetPatch {
    /// The revision that the header and the lines belong to. If absent, the shown revision.
    pub revision: Option<u64>,
    /// Changes of the header.
    pub header: Option<HeaderPatch>,
    /// New and changed lines.
    pub lines: Vec<LinePatch>,
    /// Lines to delete, each with its path in the request.
    pub delete_lines: Vec<(FieldPath, LineId)>,
    /// The revision to create.
    pub create_revision: Option<CreateRevision>,
    /// The revision to delete.
    pub delete_revision: Option<u64>,
    /// The revision that the client sees.
    pub client_revision: Patch<u64>,
}

impl BudgetPatch {
    /// Whether the patch writes to the revision that it names.
    pub fn writes_revision(&self) -> bool {
        self.header.is_some() || !self.lines.is_empty() || !self.delete_lines.is_empty()
    }

    /// Whether the patch does nothing.
    pub fn is_empty(&self) -> bool {
        !self.writes_revision() && self.create_revision.is_none() && self.delete_revision.is_none() && !self.client_revision.is_present()
    }
}

/// Reads a request body.
pub fn read_patch(body: Map<String, Value>) -> Result<BudgetPatch, FieldErrors> {
    let mut fields = Fields::new(body);
    let patch = read_fields(&mut fields);
    fields.finish()?;
    Ok(patch)
}

/// Takes the fields out of a body.
pub fn read_fields<L: FieldLog>(fields: &mut Fields<L>) -> BudgetPatch {
    fields.read_only(&["projectId", "budgetId", "version", "totals", "revisions", "locks"]);
    let number = 1..=u64::from(u32::MAX);
    let revision = fields.integer("revision", number.clone()).value();
    let header = fields.nested("header", |fields| read_header(fields)).value();
    let lines = read_lines(fields);
    let delete_lines = read_delete_lines(fields);
    let create_revision = fields
        .nested("createRevision", |create| CreateRevision {
            duplicate_of: create.integer("duplicateOf", number.clone()).value(),
            title: create.string("title", 0..=200).value(),
        })
        .value();
    let delete_revision = fields.integer("deleteRevision", number.clone()).value();
    let client_revision = fields.integer("clientRevision", number);
    BudgetPatch { revision, header, lines, delete_lines, create_revision, delete_revision, client_revision }
}

fn read_header<L: FieldLog>(fields: &mut Fields<L>) -> HeaderPatch {
    fields.read_only(&[
        "headerBudgetedTotalCost",
        "headerActualTotalCost",
        "headerReconciledTotalCost",
        "headerFinalTotalCost",
        "headerEffectiveMarkup",
    ]);
    HeaderPatch {
        title: fields.string("title", 0..=200),
        start_date: fields.read("startDate", date_schema, read_date),
        end_date: fields.read("endDate", date_schema, read_date),
        clients: read_clients(fields),
        header_ball_park: fields.read("headerBallPark", || Scale::Money.schema(), |value| read_scaled(&value, Scale::Money)),
        currency: fields
            .read(
                "currency",
                || one_of(CURRENCIES),
                |value| match value.as_str() {
                    Some(code) if CURRENCIES.contains(&code) => Ok(code.to_owned()),
                    _ => Err(("invalid_value", "An ISO 4217 code of a currency with two decimals.".into())),
                },
            )
            .value(),
    }
}

/// Names of clients, each error at its entry.
fn read_clients<L: FieldLog>(fields: &mut Fields<L>) -> Patch<Vec<String>> {
    let entries = match fields.array("clients", 20, || text_schema(&(0..=500))) {
        Patch::Absent => return Patch::Absent,
        Patch::Clear => return Patch::Clear,
        Patch::Set(entries) => entries,
    };
    let mut names = Vec::with_capacity(entries.len());
    for (path, entry) in entries {
        match text_within(entry, &(0..=500)) {
            Ok(name) => names.push(name),
            Err((code, detail)) => fields.add(vec![FieldError::new(path, code, detail)]),
        }
    }
    Patch::Set(names)
}

/// ISO 4217 codes of currencies with two decimals.
const CURRENCIES: &[&str] = &[
    "AED", "AFN", "ALL", "AMD", "AOA", "ARS", "AUD", "AWG", "AZN", "BAM", "BBD", "BDT", "BGN", "BMD", "BND", "BOB", "BRL", "BSD", "BTN", "BWP",
    "BYN", "BZD", "CAD", "CDF", "CHF", "CNY", "COP", "CRC", "CUP", "CVE", "CZK", "DKK", "DOP", "DZD", "EGP", "ERN", "ETB", "EUR", "FJD", "FKP",
    "GBP", "GEL", "GHS", "GIP", "GMD", "GTQ", "GYD", "HKD", "HNL", "HTG", "HUF", "IDR", "ILS", "INR", "IRR", "JMD", "KES", "KGS", "KHR", "KPW",
    "KYD", "KZT", "LAK", "LBP", "LKR", "LRD", "LSL", "MAD", "MDL", "MGA", "MKD", "MMK", "MNT", "MOP", "MRU", "MUR", "MVR", "MWK", "MXN", "MYR",
    "MZN", "NAD", "NGN", "NIO", "NOK", "NPR", "NZD", "PAB", "PEN", "PGK", "PHP", "PKR", "PLN", "QAR", "RON", "RSD", "RUB", "SAR", "SBD", "SCR",
    "SDG", "SEK", "SGD", "SHP", "SLE", "SOS", "SRD", "SSP", "STN", "SVC", "SYP", "SZL", "THB", "TJS", "TMT", "TOP", "TRY", "TTD", "TWD", "TZS",
    "UAH", "USD", "UYU", "UZS", "VES", "WST", "XCD", "YER", "ZAR", "ZMW", "ZWG",
];

fn read_lines<L: FieldLog>(fields: &mut Fields<L>) -> Vec<LinePatch> {
    let lines = fields.objects("lines", MAX_PATCH_LINES, |line| LinePatch {
        path: line.base().clone(),
        id: line.parsed("budgetItemId", "There is no such line.").value(),
        client_line_id: line.string("clientLineId", 1..=64).value(),
        changes: read_changes(line),
    });
    lines.value().unwrap_or_default()
}

fn read_delete_lines<L: FieldLog>(fields: &mut Fields<L>) -> Vec<(FieldPath, LineId)> {
    let entries = fields.array("deleteLines", MAX_REVISION_LINES, LineId::text_schema).value().unwrap_or_default();
    let mut ids = Vec::with_capacity(entries.len());
    let mut faults = Vec::new();
    for (path, entry) in entries {
        match entry.as_str().map(str::parse) {
            Some(Ok(id)) => ids.push((path, id)),
            Some(Err(_)) => faults.push(FieldError::new(path, "invalid_value", "There is no such line.")),
            None => faults.push(FieldError::new(path, "wrong_type", "This must be a line id.")),
        }
    }
    fields.add(faults);
    ids
}
