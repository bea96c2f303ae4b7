//! A revision: its header, its totals, and the numbers that it gives to lines.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use shared_utils::clock::Timestamp;
use shared_utils::ids::{GenerationId, LineId};

use super::decimal::{Scale, to_json};
use super::line::Line;
use super::totals::{Totals, TotalsView, nullable_money};

/// A revision as it is stored in the table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Revision {
    /// The revision's number.
    pub revision: u64,
    /// The title.
    pub title: Option<String>,
    /// The start date, `YYYY-MM-DD`.
    pub start_date: Option<String>,
    /// The end date, `YYYY-MM-DD`.
    pub end_date: Option<String>,
    /// The names of the clients.
    pub clients: Vec<String>,
    /// The ball park, in cents.
    pub header_ball_park: Option<i64>,
    /// The generation of lines that the revision shows.
    pub generation: GenerationId,
    /// The number of lines.
    pub line_count: usize,
    /// The sums of the lines.
    pub totals: Totals,
    /// Distinguishes the lines of this state from those of earlier and later states.
    #[serde(default)]
    pub fingerprint: u64,
    /// The last number that a line of this revision received.
    pub sequence: u64,
    /// The last number per category.
    pub category_sequences: BTreeMap<String, u64>,
    /// When the revision was created.
    pub created_at: Timestamp,
    /// When the revision was last written.
    pub updated_at: Timestamp,
}

/// The header of a revision.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "RevisionHeader")]
pub struct HeaderView {
    /// The revision's title.
    title: Option<String>,
    /// The first day, `YYYY-MM-DD`.
    start_date: Option<String>,
    /// The last day, `YYYY-MM-DD`.
    end_date: Option<String>,
    /// The clients' names.
    clients: Vec<String>,
    /// The amount that was agreed on before there were lines, in the budget's currency.
    #[schemars(schema_with = "nullable_money")]
    header_ball_park: Option<Value>,
}

/// A revision, without its lines.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RevisionSummary {
    /// Its number.
    revision: u64,
    /// Its title.
    title: Option<String>,
    /// Its totals.
    totals: TotalsView,
    /// How many lines it has.
    line_count: usize,
    /// When it was made.
    created_at: Timestamp,
}

impl Revision {
    /// Creates a revision without lines.
    pub fn empty(revision: u64, header_ball_park: Option<i64>, now: Timestamp) -> Self {
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
            fingerprint: fingerprint(&BTreeMap::new()),
            sequence: 0,
            category_sequences: BTreeMap::new(),
            created_at: now,
            updated_at: now,
        }
    }

    /// Whether this state of the revision was written with these lines.
    pub fn describes(&self, lines: &BTreeMap<LineId, Line>) -> bool {
        lines.len() == self.line_count && fingerprint(lines) == self.fingerprint && Totals::of(lines.values()) == Some(self.totals)
    }

    /// Updates count, fingerprint and totals from these lines. `None` if a total is over the limit.
    pub fn describe(&mut self, lines: &BTreeMap<LineId, Line>) -> Option<()> {
        self.line_count = lines.len();
        self.fingerprint = fingerprint(lines);
        self.totals = Totals::of(lines.values())?;
        Some(())
    }

    /// The header as the API gives it.
    pub fn header(&self) -> HeaderView {
        HeaderView {
            title: self.title.clone(),
            start_date: self.start_date.clone(),
            end_date: self.end_date.clone(),
            clients: self.clients.clone(),
            header_ball_park: self.header_ball_park.map(|cents| to_json(cents, Scale::Money)),
        }
    }

    /// The revision as the list of revisions gives it.
    pub fn summary(&self) -> RevisionSummary {
        RevisionSummary {
            revision: self.revision,
            title: self.title.clone(),
            totals: self.totals.view(),
            line_count: self.line_count,
            created_at: self.created_at,
        }
    }

    /// Gives a new line its number and names.
    pub fn number(&mut self, line: &mut Line, slug: &str) {
        self.sequence += 1;
        line.sequence = self.sequence;
        line.element_key = format!("{slug}-{:04}", self.sequence);
        self.name_in_category(line);
    }

    /// Gives a line the next name in its category.
    pub fn name_in_category(&mut self, line: &mut Line) {
        line.element_id = line.category().map(str::to_owned).map(|category| {
            let last = self.category_sequences.entry(category.clone()).or_default();
            *last += 1;
            format!("{category}-{last:04}")
        });
    }
}

/// The fingerprint of lines: a sum of one number per line, which depends on the line's id and its last write. The order does not matter.
fn fingerprint(lines: &BTreeMap<LineId, Line>) -> u64 {
    let of = |line: &Line| {
        let bytes = line.budget_item_id.to_bytes();
        let (high, low) = bytes.split_at(8);
        let number = |half: &[u8]| half.iter().fold(0u64, |number, byte| (number << 8) | u64::from(*byte));
        // The finalizer of SplitMix64, which mixes all bits.
        let mut mixed = number(high).rotate_left(32) ^ number(low) ^ line.updated_at.millis().cast_unsigned().wrapping_mul(0x9e37_79b9_7f4a_7c15);
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    };
    lines.values().map(of).fold(0, u64::wrapping_add)
}

/// Converts a project's title to the start of element keys: lower-case letters and digits, and single dashes for all other characters.
pub fn slug(title: &str) -> String {
    let mut slug = String::new();
    for character in title.to_lowercase().chars() {
        if character.is_ascii_alphanumeric() {
            slug.push(character);
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    let slug: String = slug.trim_end_matches('-').chars().take(60).collect();
    if slug.is_empty() { "line".to_owned() } else { slug }
}
