//! A revision's totals: sums over its lines, each product rounded per line.

use rust_decimal::Decimal;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::decimal::{MAX_MONEY, Scale, number, to_json};
use super::line::Line;

/// Totals as they are stored in the table, in cents.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Totals {
    budgeted: i64,
    actual: i64,
    reconciled: i64,
    r#final: i64,
}

/// The totals of a revision, in the budget's currency.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "BudgetTotals")]
pub struct TotalsView {
    /// The sum of quantity × budgeted cost.
    #[schemars(schema_with = "money")]
    header_budgeted_total_cost: Value,
    /// The sum of quantity × actual cost.
    #[schemars(schema_with = "money")]
    header_actual_total_cost: Value,
    /// The sum of quantity × reconciled cost.
    #[schemars(schema_with = "money")]
    header_reconciled_total_cost: Value,
    /// The sum of the lines' final costs.
    #[schemars(schema_with = "money")]
    header_final_total_cost: Value,
    /// (final − budgeted) / budgeted, with four decimals; 0 where nothing is budgeted.
    #[schemars(schema_with = "ratio")]
    header_effective_markup: Value,
}

/// An amount.
pub(crate) fn money(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "number"})
}

/// An amount, or nothing.
pub(crate) fn nullable_money(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": ["number", "null"]})
}

fn ratio(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "number"})
}

impl Totals {
    /// The totals of these lines. `None` if a total is over the limit.
    pub fn of<'a>(lines: impl Iterator<Item = &'a Line>) -> Option<Self> {
        let (mut budgeted, mut actual, mut reconciled, mut total) = (Decimal::ZERO, Decimal::ZERO, Decimal::ZERO, Decimal::ZERO);
        for line in lines {
            budgeted += line.extended("itemBudgetedCost");
            actual += line.extended("itemActualCost");
            reconciled += line.extended("itemReconciledCost");
            total += line.final_cost();
        }
        let money = |amount: Decimal| Scale::Money.scaled(amount).filter(|amount| *amount <= MAX_MONEY);
        Some(Self { budgeted: money(budgeted)?, actual: money(actual)?, reconciled: money(reconciled)?, r#final: money(total)? })
    }

    /// The difference of final and budgeted total, divided by the budgeted total, with four decimals: up to 10^15. 0 if nothing is budgeted.
    fn effective_markup(self) -> Decimal {
        let (budgeted, total) = (Scale::Money.decimal(self.budgeted), Scale::Money.decimal(self.r#final));
        if budgeted.is_zero() { Decimal::ZERO } else { Scale::MarkUp.round((total - budgeted) / budgeted) }
    }

    /// The totals in the form of the API.
    pub fn view(self) -> TotalsView {
        TotalsView {
            header_budgeted_total_cost: to_json(self.budgeted, Scale::Money),
            header_actual_total_cost: to_json(self.actual, Scale::Money),
            header_reconciled_total_cost: to_json(self.reconciled, Scale::Money),
            header_final_total_cost: to_json(self.r#final, Scale::Money),
            header_effective_markup: number(self.effective_markup()),
        }
    }
}
