//! What a budget PATCH asks for, and what it does to the lines of a revision.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use shared_utils::clock::Timestamp;
use shared_utils::http::fields::{Fields, Patch, text_within};
use shared_utils::http::{Error, Fault};
use shared_utils::ids::{GenerationId, LineId};

use super::decimal::{Scale, read_scaled, to_json};
use super::line::{Line, LineChanges, read_changes};
use super::totals::Totals;
use crate::project::read_date;

/// The most lines in one PATCH.
const MAX_PATCH_LINES: usize = 1_000;
/// The most lines in a revision.
const MAX_REVISION_LINES: usize = 5_000;

/// A revision as the table keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Revision {
    pub(crate) revision: u64,
    pub(crate) title: Option<String>,
    pub(crate) start_date: Option<String>,
    pub(crate) end_date: Option<String>,
    pub(crate) clients: Vec<String>,
    /// Cents.
    pub(crate) header_ball_park: Option<i64>,
    /// Which written state of the lines is shown.
    pub(crate) generation: GenerationId,
    pub(crate) line_count: usize,
    pub(crate) totals: Totals,
    /// The last number given to a line here.
    pub(crate) sequence: u64,
    /// The last number given per category.
    pub(crate) category_sequences: BTreeMap<String, u64>,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
}

impl Revision {
    /// A revision without lines.
    pub(crate) fn empty(revision: u64, header_ball_park: Option<i64>, now: Timestamp) -> Self {
        Self {
            revision,
            title: None,
            start_date: None,
            end_date: None,
            clients: Vec::new(),
            header_ball_park,
            generation: GenerationId::generate(now),
            line_count: 0,
            totals: Totals::default(),
            sequence: 0,
            category_sequences: BTreeMap::new(),
            created_at: now,
            updated_at: now,
        }
    }

    /// The header part of an answer.
    pub(crate) fn header_json(&self) -> Value {
        json!({
            "title": self.title, "startDate": self.start_date, "endDate": self.end_date, "clients": self.clients,
            "headerBallPark": self.header_ball_park.map(|cents| to_json(cents, Scale::Money)),
        })
    }

    /// What the list of revisions says of it.
    pub(crate) fn summary_json(&self) -> Value {
        json!({
            "revision": self.revision, "title": self.title, "totals": self.totals.to_json(), "lineCount": self.line_count, "createdAt": self.created_at,
        })
    }

    /// Gives a new line its number and names.
    fn number(&mut self, line: &mut Line, slug: &str) {
        self.sequence += 1;
        line.sequence = self.sequence;
        line.element_key = format!("{slug}-{:04}", self.sequence);
        self.name_in_category(line);
    }

    fn name_in_category(&mut self, line: &mut Line) {
        line.element_id = line.category().map(str::to_owned).map(|category| {
            let last = self.category_sequences.entry(category.clone()).or_default();
            *last += 1;
            format!("{category}-{last:04}")
        });
    }
}

/// An entry of `lines`.
#[derive(Debug, Clone)]
pub(crate) struct LinePatch {
    pointer: String,
    id: Option<LineId>,
    client_line_id: Option<String>,
    changes: LineChanges,
}

/// `createRevision`.
#[derive(Debug, Clone, Default)]
pub(crate) struct CreateRevision {
    pub(crate) duplicate_of: Option<u64>,
    pub(crate) title: Option<String>,
}

/// `header`: absent fields stay, null clears.
#[derive(Debug, Clone)]
pub(crate) struct HeaderPatch {
    title: Patch<String>,
    start_date: Patch<String>,
    end_date: Patch<String>,
    clients: Patch<Vec<String>>,
    header_ball_park: Patch<i64>,
    pub(crate) currency: Option<String>,
}

/// A budget PATCH.
#[derive(Debug, Clone)]
pub(crate) struct BudgetPatch {
    pub(crate) revision: Option<u64>,
    pub(crate) header: Option<HeaderPatch>,
    pub(crate) lines: Vec<LinePatch>,
    pub(crate) delete_lines: Vec<(String, LineId)>,
    pub(crate) create_revision: Option<CreateRevision>,
    pub(crate) delete_revision: Option<u64>,
    pub(crate) client_revision: Patch<u64>,
}

impl BudgetPatch {
    /// Whether it writes to the revision it names.
    pub(crate) fn writes_revision(&self) -> bool {
        self.header.is_some() || !self.lines.is_empty() || !self.delete_lines.is_empty()
    }

    /// Whether it does nothing at all.
    pub(crate) fn is_empty(&self) -> bool {
        !self.writes_revision() && self.create_revision.is_none() && self.delete_revision.is_none() && !self.client_revision.is_present()
    }
}

/// Reads a body.
pub(crate) fn read_patch(body: Map<String, Value>) -> Result<BudgetPatch, Error> {
    let mut fields = Fields::new(body);
    fields.read_only(&["projectId", "budgetId", "version", "totals", "revisions", "locks"]);
    let number = 1..=u64::from(u32::MAX);
    let revision = fields.integer("revision", number.clone()).value();
    let header = fields.nested("header", read_header).value();
    let lines = match fields.raw("lines") {
        Patch::Absent | Patch::Clear => Vec::new(),
        Patch::Set(value) => read_lines(&mut fields, value),
    };
    let delete_lines = read_delete_lines(&mut fields);
    let create_revision = fields
        .nested("createRevision", |create| CreateRevision {
            duplicate_of: create.integer("duplicateOf", number.clone()).value(),
            title: create.string("title", 0..=200).value(),
        })
        .value();
    let delete_revision = fields.integer("deleteRevision", number.clone()).value();
    let client_revision = fields.integer("clientRevision", number);
    fields.finish()?;
    Ok(BudgetPatch { revision, header, lines, delete_lines, create_revision, delete_revision, client_revision })
}

fn read_header(fields: &mut Fields) -> HeaderPatch {
    fields.read_only(&[
        "headerBudgetedTotalCost",
        "headerActualTotalCost",
        "headerReconciledTotalCost",
        "headerFinalTotalCost",
        "headerEffectiveMarkup",
    ]);
    HeaderPatch {
        title: fields.string("title", 0..=200),
        start_date: fields.read("startDate", read_date),
        end_date: fields.read("endDate", read_date),
        clients: fields.read("clients", |value| match value {
            Value::Array(entries) if entries.len() > 20 => Err(("too_many", "At most 20 entries.".into())),
            Value::Array(entries) => entries.into_iter().map(|entry| text_within(entry, &(0..=500))).collect(),
            _ => Err(("wrong_type", "This must be an array of texts.".into())),
        }),
        header_ball_park: fields.read("headerBallPark", |value| read_scaled(&value, Scale::Money)),
        currency: fields
            .read("currency", |value| match value.as_str() {
                Some(code) if CURRENCIES.contains(&code) => Ok(code.to_owned()),
                _ => Err(("invalid_value", "An ISO 4217 code of a currency with two decimals.".into())),
            })
            .value(),
    }
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

fn read_lines(fields: &mut Fields, value: Value) -> Vec<LinePatch> {
    let Value::Array(entries) = value else {
        fields.fault("lines", "wrong_type", "This must be an array.");
        return Vec::new();
    };
    if entries.len() > MAX_PATCH_LINES {
        fields.fault("lines", "too_many", format!("At most {MAX_PATCH_LINES} lines."));
        return Vec::new();
    }
    let base = fields.pointer("lines");
    let mut lines = Vec::with_capacity(entries.len());
    for (index, entry) in entries.into_iter().enumerate() {
        let pointer = format!("{base}/{index}");
        let Value::Object(object) = entry else {
            fields.add(vec![Fault::new(pointer, "wrong_type", "This must be an object.")]);
            continue;
        };
        let mut line = Fields::at(object, pointer.clone());
        let id = line.parsed("budgetItemId", "There is no such line.").value();
        let client_line_id = line.string("clientLineId", 1..=64).value();
        let changes = read_changes(&mut line);
        fields.add(line.into_faults());
        lines.push(LinePatch { pointer, id, client_line_id, changes });
    }
    lines
}

fn read_delete_lines(fields: &mut Fields) -> Vec<(String, LineId)> {
    let entries = fields.array("deleteLines", MAX_REVISION_LINES).value().unwrap_or_default();
    let mut ids = Vec::with_capacity(entries.len());
    let mut faults = Vec::new();
    for (pointer, entry) in entries {
        match entry.as_str().map(str::parse) {
            Some(Ok(id)) => ids.push((pointer, id)),
            Some(Err(_)) => faults.push(Fault::new(pointer, "invalid_value", "There is no such line.")),
            None => faults.push(Fault::new(pointer, "wrong_type", "This must be a line id.")),
        }
    }
    fields.add(faults);
    ids
}

/// What a PATCH did to the lines of a revision.
#[derive(Debug, Default)]
pub(crate) struct LineOutcome {
    /// New and changed lines.
    pub(crate) written: Vec<LineId>,
    /// Lines that are gone.
    pub(crate) deleted: Vec<LineId>,
}

/// Applies header, lines and deletions to a revision and its lines, in this order, and brings the totals up to date. All faults
/// are found before anything is believed; the caller throws both away when there are any.
pub(crate) fn apply_lines(
    patch: &BudgetPatch,
    revision: &mut Revision,
    lines: &mut BTreeMap<LineId, Line>,
    slug: &str,
    now: Timestamp,
) -> Result<LineOutcome, Error> {
    if let Some(header) = &patch.header {
        apply_header(header, revision);
    }
    let mut faults = Vec::new();
    let mut outcome = LineOutcome::default();
    let mut named = BTreeSet::new();
    let mut by_client_id: BTreeMap<String, LineId> =
        lines.values().filter_map(|line| Some((line.client_line_id.clone()?, line.budget_item_id))).collect();
    for entry in &patch.lines {
        let known = entry.id.or_else(|| by_client_id.get(entry.client_line_id.as_ref()?).copied());
        let id = known.unwrap_or_else(|| LineId::generate(now));
        if !named.insert(id) {
            faults.push(Fault::new(&entry.pointer, "duplicate", "This line is named twice."));
            continue;
        }
        let line = match lines.get_mut(&id) {
            Some(line) => line,
            None if known.is_some() => {
                faults.push(Fault::new(format!("{}/budgetItemId", entry.pointer), "invalid_value", "There is no such line."));
                continue;
            }
            None => lines.entry(id).or_insert(Line {
                budget_item_id: id,
                client_line_id: None,
                sequence: 0,
                element_key: String::new(),
                element_id: None,
                created_at: now,
                updated_at: now,
                fields: BTreeMap::new(),
            }),
        };
        let category = line.category().map(str::to_owned);
        line.apply(&entry.changes);
        line.updated_at = now;
        if let Some(client_line_id) = &entry.client_line_id {
            if by_client_id.get(client_line_id).is_some_and(|other| *other != id) {
                faults.push(Fault::new(format!("{}/clientLineId", entry.pointer), "duplicate", "Another line has this name."));
            }
            by_client_id.insert(client_line_id.clone(), id);
            line.client_line_id = Some(client_line_id.clone());
        }
        if line.sequence == 0 {
            revision.number(line, slug);
        } else if line.category() != category.as_deref() {
            revision.name_in_category(line);
        }
        if !line.fits() {
            faults.push(Fault::new(&entry.pointer, "out_of_range", "The line costs more than 10^13."));
        }
        outcome.written.push(id);
    }
    for (pointer, id) in &patch.delete_lines {
        if !named.insert(*id) {
            faults.push(Fault::new(pointer, "duplicate", "This line is named twice."));
        } else if lines.remove(id).is_none() {
            faults.push(Fault::new(pointer, "invalid_value", "There is no such line."));
        } else {
            outcome.deleted.push(*id);
        }
    }
    if lines.len() > MAX_REVISION_LINES {
        faults.push(Fault::new("/lines", "too_many", format!("A revision has at most {MAX_REVISION_LINES} lines.")));
    }
    match Totals::of(lines.values()) {
        Some(totals) => revision.totals = totals,
        None => faults.push(Fault::new("/lines", "out_of_range", "The revision costs more than 10^13.")),
    }
    revision.line_count = lines.len();
    revision.updated_at = now;
    if faults.is_empty() { Ok(outcome) } else { Err(Error::ValidationFailed(faults)) }
}

fn apply_header(header: &HeaderPatch, revision: &mut Revision) {
    fn merge<T: Clone>(target: &mut Option<T>, patch: &Patch<T>) {
        match patch {
            Patch::Absent => {}
            Patch::Clear => *target = None,
            Patch::Set(value) => *target = Some(value.clone()),
        }
    }
    merge(&mut revision.title, &header.title);
    merge(&mut revision.start_date, &header.start_date);
    merge(&mut revision.end_date, &header.end_date);
    merge(&mut revision.header_ball_park, &header.header_ball_park);
    match &header.clients {
        Patch::Absent => {}
        Patch::Clear => revision.clients = Vec::new(),
        Patch::Set(clients) => revision.clients.clone_from(clients),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);

    fn patched(revision: &mut Revision, lines: &mut BTreeMap<LineId, Line>, body: Value) -> Result<LineOutcome, Error> {
        let Value::Object(body) = body else { unreachable!() };
        apply_lines(&read_patch(body)?, revision, lines, "atrium", NOW)
    }

    fn fresh() -> (Revision, BTreeMap<LineId, Line>) {
        (Revision::empty(1, None, NOW), BTreeMap::new())
    }

    #[test]
    fn the_test_vector_of_the_app() {
        let (mut revision, mut lines) = fresh();
        let body = json!({"lines": [
            {"quantity": 5, "itemBudgetedCost": 20, "itemActualCost": 18.50, "itemReconciledCost": 19, "itemMarkUp": 0.1},
            {"quantity": 3, "itemBudgetedCost": 40, "itemActualCost": 50, "itemFinalCost": 225},
            {"quantity": 2, "itemBudgetedCost": 30, "itemReconciledCost": 75},
        ]});
        patched(&mut revision, &mut lines, body).unwrap();
        let expected: Value = serde_json::from_str(
            r#"{"headerBudgetedTotalCost": 280, "headerActualTotalCost": 242.5, "headerReconciledTotalCost": 245, "headerFinalTotalCost": 479.5, "headerEffectiveMarkup": 0.7125}"#,
        )
        .unwrap();
        assert_eq!(revision.totals.to_json(), expected);
    }

    #[test]
    fn numbers_are_given_once_and_never_again() {
        let (mut revision, mut lines) = fresh();
        let first = patched(&mut revision, &mut lines, json!({"lines": [{"category": "LABOR"}, {"category": "LABOR"}]})).unwrap();
        patched(&mut revision, &mut lines, json!({"deleteLines": [first.written[1]]})).unwrap();
        let second = patched(&mut revision, &mut lines, json!({"lines": [{"category": "LABOR"}]})).unwrap();
        let line = &lines[&second.written[0]];
        assert_eq!((line.element_key.as_str(), line.element_id.as_deref()), ("atrium-0003", Some("LABOR-0003")));
    }

    #[test]
    fn a_repeated_client_line_id_is_the_same_line() {
        let (mut revision, mut lines) = fresh();
        let body = json!({"lines": [{"clientLineId": "a", "quantity": 2}]});
        let first = patched(&mut revision, &mut lines, body.clone()).unwrap();
        let second = patched(&mut revision, &mut lines, body).unwrap();
        assert_eq!((first.written, lines.len()), (second.written, 1));
    }

    #[test]
    fn unknown_and_repeated_lines_are_faults_at_their_pointer() {
        let (mut revision, mut lines) = fresh();
        let known = patched(&mut revision, &mut lines, json!({"lines": [{}]})).unwrap().written[0];
        let unknown = LineId::generate(NOW);
        let body = json!({"lines": [{"budgetItemId": unknown}, {"budgetItemId": known}, {"budgetItemId": known}], "deleteLines": [unknown]});
        let Err(Error::ValidationFailed(faults)) = patched(&mut revision, &mut lines, body) else { panic!("no fault was found") };
        let pointers: Vec<_> = faults.iter().map(|fault| fault.pointer.as_str()).collect();
        assert_eq!(pointers, ["/lines/0/budgetItemId", "/lines/2", "/deleteLines/0"]);
    }

    #[test]
    fn amounts_over_the_limit_are_refused() {
        let (mut revision, mut lines) = fresh();
        assert!(patched(&mut revision, &mut lines, json!({"lines": [{"quantity": 2, "itemBudgetedCost": 10_000_000_000_000u64}]})).is_err());
    }

    proptest! {
        #[test]
        fn totals_are_the_sums_of_the_lines(entries in proptest::collection::vec((0i64..=100_000, 0i64..=10_000_000, -10_000i64..=20_000), 1..20)) {
            let (mut revision, mut lines) = fresh();
            let bodies: Vec<Value> = entries.iter().map(|(quantity, cost, mark_up)| json!({
                "quantity": to_json(*quantity, Scale::Quantity), "itemBudgetedCost": to_json(*cost, Scale::Money), "itemMarkUp": to_json(*mark_up, Scale::MarkUp),
            })).collect();
            patched(&mut revision, &mut lines, json!({"lines": bodies})).unwrap();
            let total: i128 = lines.values().map(Line::final_cost).sum();
            let totals = revision.totals.to_json();
            prop_assert_eq!(&totals["headerFinalTotalCost"], &to_json(i64::try_from(total).unwrap(), Scale::Money));
            // Whatever the order of deletions, what is left counts.
            let half: Vec<LineId> = lines.keys().copied().step_by(2).collect();
            patched(&mut revision, &mut lines, json!({"deleteLines": half})).unwrap();
            prop_assert_eq!(Some(revision.totals), Totals::of(lines.values()));
            prop_assert!(!totals.to_string().contains("-0,"));
        }
    }
}
