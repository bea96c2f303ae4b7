//! A revision's totals: sums over its lines, each product rounded per line.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::decimal::{MAX_MONEY, Scale, div_round, to_json};
use super::line::Line;

/// Totals as the table keeps them: cents, and ten-thousandths for the mark-up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Totals {
    budgeted: i64,
    actual: i64,
    reconciled: i64,
    r#final: i64,
    effective_markup: i64,
}

impl Totals {
    /// The totals of these lines; `None` when one is more than money can be.
    pub(crate) fn of<'a>(lines: impl Iterator<Item = &'a Line>) -> Option<Self> {
        let (mut budgeted, mut actual, mut reconciled, mut total) = (0i128, 0i128, 0i128, 0i128);
        for line in lines {
            budgeted += line.extended("itemBudgetedCost");
            actual += line.extended("itemActualCost");
            reconciled += line.extended("itemReconciledCost");
            total += line.final_cost();
        }
        let money = |amount: i128| i64::try_from(amount).ok().filter(|amount| *amount <= MAX_MONEY);
        let effective = if budgeted == 0 { 0 } else { div_round((total - budgeted) * 10_000, budgeted) };
        Some(Self {
            budgeted: money(budgeted)?,
            actual: money(actual)?,
            reconciled: money(reconciled)?,
            r#final: money(total)?,
            effective_markup: i64::try_from(effective).ok()?,
        })
    }

    /// As the API gives them.
    pub(crate) fn to_json(self) -> Value {
        json!({
            "headerBudgetedTotalCost": to_json(self.budgeted, Scale::Money),
            "headerActualTotalCost": to_json(self.actual, Scale::Money),
            "headerReconciledTotalCost": to_json(self.reconciled, Scale::Money),
            "headerFinalTotalCost": to_json(self.r#final, Scale::Money),
            "headerEffectiveMarkup": to_json(self.effective_markup, Scale::MarkUp),
        })
    }
}
