//! Budget lines: their fields, how they are read, and what a line costs.

use std::borrow::Cow;
use std::collections::BTreeMap;

use rust_decimal::Decimal;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use shared_utils::clock::Timestamp;
use shared_utils::fields::{FieldLog, Fields, Patch, date_schema, one_of, text_schema, text_within};
use shared_utils::ids::{BudgetId, LineId, ProjectId};

use super::decimal::{MAX_MONEY, Scale, number, read_scaled, to_json};
use shared_utils::fields::read_date;

const CATEGORIES: &[&str] = &[
    "AUDIO-VISUAL",
    "CLIENT-SERVICES-VIP",
    "CONTINGENCY-MISC",
    "DECOR",
    "DESIGN",
    "FABRICATION",
    "FOOD-BEVERAGE",
    "GRAPHICS",
    "INSTALLATION-MATERIALS",
    "LABOR",
    "LIGHTING",
    "MERCH-SWAG",
    "PARKING-FUEL-TOLLS",
    "PERMITS-INSURANCE",
    "PRODUCTION-MGMT",
    "RENTALS",
    "STORAGE",
    "TECH-INTERACTIVES",
    "TRAVEL",
    "TRUCKING",
    "VENUE-LOCATION-FEES",
    "WAREHOUSE",
];

/// The type of a line's field.
#[derive(Debug, Clone, Copy)]
pub enum LineFieldKind {
    /// A text of at most this many characters.
    Text(usize),
    /// As `Text`, trimmed and upper-cased.
    UpperText(usize),
    /// One of these texts.
    OneOf(&'static [&'static str]),
    /// A date, `YYYY-MM-DD`.
    Date,
    /// A decimal.
    Number(Scale),
}

impl LineFieldKind {
    /// The JSON Schema of its values.
    pub fn schema(self) -> Value {
        match self {
            // An `UpperText` is bounded as it is kept.
            Self::Text(max) | Self::UpperText(max) => text_schema(&(0..=max)),
            Self::OneOf(known) => one_of(known),
            Self::Date => date_schema(),
            Self::Number(scale) => scale.schema(),
        }
    }
}

/// Every field of a line that a client may write.
pub const FIELDS: &[(&str, LineFieldKind)] = &[
    ("category", LineFieldKind::OneOf(CATEGORIES)),
    ("areaGroup", LineFieldKind::Text(500)),
    ("invoiceGroup", LineFieldKind::Text(500)),
    ("description", LineFieldKind::UpperText(2_000)),
    ("client", LineFieldKind::Text(500)),
    ("quantity", LineFieldKind::Number(Scale::Quantity)),
    ("unit", LineFieldKind::OneOf(&["Each", "Hrs", "Days", "EA", "PCS", "Box", "LF", "SQFT", "KG"])),
    ("itemBudgetedCost", LineFieldKind::Number(Scale::Money)),
    ("itemActualCost", LineFieldKind::Number(Scale::Money)),
    ("itemReconciledCost", LineFieldKind::Number(Scale::Money)),
    ("itemMarkUp", LineFieldKind::Number(Scale::MarkUp)),
    ("itemFinalCost", LineFieldKind::Number(Scale::Money)),
    ("amountPaid", LineFieldKind::Number(Scale::Money)),
    ("balanceDue", LineFieldKind::Number(Scale::Money)),
    ("paymentType", LineFieldKind::OneOf(&["CREDIT CARD", "CHECK", "WIRE", "ACH", "CASH"])),
    ("paymentTerms", LineFieldKind::OneOf(&["NET 15", "NET 30", "NET 60", "DUE ON RECEIPT"])),
    ("paymentStatus", LineFieldKind::OneOf(&["PAID", "PARTIAL", "UNPAID"])),
    ("poNumber", LineFieldKind::Text(500)),
    ("vendor", LineFieldKind::Text(500)),
    ("vendorInvoiceNumber", LineFieldKind::Text(500)),
    ("startDate", LineFieldKind::Date),
    ("endDate", LineFieldKind::Date),
    ("notes", LineFieldKind::Text(5_000)),
    ("title", LineFieldKind::Text(500)),
];

/// The fields that only the server writes.
const READ_ONLY: &[&str] = &["budgetId", "projectId", "revision", "elementKey", "elementId", "finalCost", "createdAt", "updatedAt"];

/// A field's value in the table: a text, or the scaled integer of a decimal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum FieldValue {
    /// A decimal, as an integer of its field's scale.
    Number(i64),
    /// A text.
    Text(String),
}

/// A line in the table. The item's key contains the revision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Line {
    /// The line's id.
    pub budget_item_id: LineId,
    /// The client's own id of the line, unique in its revision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_line_id: Option<String>,
    /// The line's number in its revision. Lines are listed in this order, and numbers are never reused.
    pub sequence: u64,
    /// The line's name within its project: `atrium-0001`.
    pub element_key: String,
    /// The line's name within its category: `DECOR-0001`.
    pub element_id: Option<String>,
    /// When the line was created.
    pub created_at: Timestamp,
    /// When the line was last written.
    pub updated_at: Timestamp,
    /// The client's fields by name. A field that was never set, or was cleared, is absent.
    pub fields: BTreeMap<String, FieldValue>,
}

/// The changes of a request to the fields of a line. `None` clears a field.
pub(crate) type LineChanges = BTreeMap<String, Option<FieldValue>>;

/// Takes every line field out of an entry of `lines`. Field errors are added to `fields`.
pub(crate) fn read_changes<L: FieldLog>(fields: &mut Fields<L>) -> LineChanges {
    fields.read_only(READ_ONLY);
    let mut changes = LineChanges::new();
    for (name, kind) in FIELDS {
        match fields.read(name, || kind.schema(), |value| read(*kind, value)) {
            Patch::Absent => {}
            Patch::Clear => {
                changes.insert((*name).to_owned(), None);
            }
            Patch::Set(value) => {
                changes.insert((*name).to_owned(), Some(value));
            }
        }
    }
    changes
}

/// A text in the form that `UpperText` stores.
pub fn upper(text: &str) -> String {
    text.trim().to_uppercase()
}

/// Reads the value of one field.
pub fn read(kind: LineFieldKind, value: Value) -> Result<FieldValue, (&'static str, Cow<'static, str>)> {
    match kind {
        LineFieldKind::Text(max) => text_within(value, &(0..=max)).map(FieldValue::Text),
        // The limit applies to the stored form, because one letter may become two capitals.
        LineFieldKind::UpperText(max) => {
            let text = text_within(value, &(0..=usize::MAX))?;
            text_within(Value::String(upper(&text)), &(0..=max)).map(FieldValue::Text)
        }
        LineFieldKind::OneOf(known) => match value {
            Value::String(text) if known.contains(&text.as_str()) => Ok(FieldValue::Text(text)),
            Value::String(_) => Err(("invalid_value", format!("One of {}.", known.join(", ")).into())),
            _ => Err(("wrong_type", "This must be a text.".into())),
        },
        LineFieldKind::Date => read_date(value).map(FieldValue::Text),
        LineFieldKind::Number(scale) => read_scaled(&value, scale).map(FieldValue::Number),
    }
}

impl Line {
    /// A line without fields, number or names.
    pub(crate) fn empty(budget_item_id: LineId, now: Timestamp) -> Self {
        Self {
            budget_item_id,
            client_line_id: None,
            sequence: 0,
            element_key: String::new(),
            element_id: None,
            created_at: now,
            updated_at: now,
            fields: BTreeMap::new(),
        }
    }

    /// A decimal field's value, or zero if it has none.
    fn decimal(&self, name: &str, scale: Scale) -> Decimal {
        scale.decimal(self.number(name).unwrap_or(0))
    }

    /// A decimal field's scaled integer, if it has one.
    pub fn number(&self, name: &str) -> Option<i64> {
        match self.fields.get(name) {
            Some(FieldValue::Number(number)) => Some(*number),
            _ => None,
        }
    }

    /// The line's category, if it has one.
    pub fn category(&self) -> Option<&str> {
        match self.fields.get("category") {
            Some(FieldValue::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// Sets and clears fields.
    pub fn apply(&mut self, changes: &LineChanges) {
        for (name, value) in changes {
            match value {
                Some(value) => self.fields.insert(name.clone(), value.clone()),
                None => self.fields.remove(name),
            };
        }
    }

    /// The quantity, or 1 if none was given.
    fn quantity(&self) -> Decimal {
        self.number("quantity").map_or(Decimal::ONE, |quantity| Scale::Quantity.decimal(quantity))
    }

    /// A cost per unit times the quantity, rounded to cents.
    pub fn extended(&self, cost: &str) -> Decimal {
        Scale::Money.round(self.decimal(cost, Scale::Money) * self.quantity())
    }

    /// The line's part of the final total: the given final cost, else the first non-zero of reconciled, actual and budgeted
    /// × quantity × (1 + mark-up), rounded to cents.
    pub fn final_cost(&self) -> Decimal {
        self.given_final_cost().unwrap_or_else(|| self.cost_with(self.number("itemMarkUp").unwrap_or(0)))
    }

    /// The given final cost, if there is one.
    pub fn given_final_cost(&self) -> Option<Decimal> {
        self.number("itemFinalCost").map(|given| Scale::Money.decimal(given))
    }

    /// The line's cost by the formula with this mark-up (ten-thousandths), rounded to cents.
    pub fn cost_with(&self, mark_up: i64) -> Decimal {
        let costs = ["itemReconciledCost", "itemActualCost", "itemBudgetedCost"].map(|cost| self.decimal(cost, Scale::Money));
        let base = costs.into_iter().find(|cost| !cost.is_zero()).unwrap_or_default();
        Scale::Money.round(base * self.quantity() * (Decimal::ONE + Scale::MarkUp.decimal(mark_up)))
    }

    /// The approximate size of the stored line, in bytes.
    pub fn size(&self) -> usize {
        let value = |value: &FieldValue| match value {
            FieldValue::Text(text) => text.len(),
            FieldValue::Number(_) => 10,
        };
        500 + self.fields.iter().map(|(name, field)| name.len() + value(field)).sum::<usize>()
    }

    /// The largest amount of the line.
    pub fn largest_amount(&self) -> Decimal {
        let costs = ["itemBudgetedCost", "itemActualCost", "itemReconciledCost"].map(|cost| self.extended(cost));
        costs.into_iter().fold(self.final_cost(), Decimal::max)
    }

    /// Whether every amount of the line is within the limit.
    pub fn fits(&self) -> bool {
        self.largest_amount() <= Scale::Money.decimal(MAX_MONEY)
    }
}

/// The schema of [`line_json`].
pub struct LineView;

impl JsonSchema for LineView {
    fn schema_name() -> Cow<'static, str> {
        "BudgetLine".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut members = Map::new();
        for (name, kind) in FIELDS {
            // An amount may come from an import, outside of the bounds that a client has.
            let schema = if matches!(kind, LineFieldKind::Number(_)) { json!({"type": "number"}) } else { kind.schema() };
            members.insert((*name).to_owned(), json!({"anyOf": [schema, {"type": "null"}]}));
        }
        for (name, schema) in [
            ("budgetItemId", generator.subschema_for::<LineId>()),
            ("clientLineId", json_schema!({"type": ["string", "null"]})),
            ("budgetId", generator.subschema_for::<BudgetId>()),
            ("projectId", generator.subschema_for::<ProjectId>()),
            ("revision", json_schema!({"type": "integer", "minimum": 1})),
            ("elementKey", json_schema!({"type": "string"})),
            ("elementId", json_schema!({"type": ["string", "null"]})),
            ("finalCost", json_schema!({"type": "number"})),
            ("createdAt", generator.subschema_for::<Timestamp>()),
            ("updatedAt", generator.subschema_for::<Timestamp>()),
        ] {
            members.insert(name.to_owned(), schema.to_value());
        }
        let required: Vec<&String> = members.keys().collect();
        json_schema!({"type": "object", "description": "A line of a budget.", "required": required, "properties": members})
    }
}

/// A line in the form of the API. A field without a value is null, except `quantity`, which is 1.
pub fn line_json(line: &Line, project: ProjectId, budget: BudgetId, revision: u64) -> Value {
    let mut object = Map::new();
    for (name, kind) in FIELDS {
        let value = match (line.fields.get(*name), kind) {
            (Some(FieldValue::Text(text)), _) => json!(text),
            (Some(FieldValue::Number(number)), LineFieldKind::Number(scale)) => to_json(*number, *scale),
            (None, _) if *name == "quantity" => json!(1),
            _ => Value::Null,
        };
        object.insert((*name).to_owned(), value);
    }
    let server = json!({
        "budgetItemId": line.budget_item_id, "clientLineId": line.client_line_id, "budgetId": budget, "projectId": project, "revision": revision,
        "elementKey": line.element_key, "elementId": line.element_id, "finalCost": number(line.final_cost()), "createdAt": line.created_at, "updatedAt": line.updated_at,
    });
    if let Value::Object(server) = server {
        object.extend(server);
    }
    Value::Object(object)
}
