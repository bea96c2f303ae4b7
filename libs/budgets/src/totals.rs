//! A revision's totals: sums over its lines, each product rounded per line.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

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
    pub fn to_json(self) -> Value {
        json!({
            "headerBudgetedTotalCost": to_json(self.budgeted, Scale::Money),
            "headerActualTotalCost": to_json(self.actual, Scale::Money),
            "headerReconciledTotalCost": to_json(self.reconciled, Scale::Money),
            "headerFinalTotalCost": to_json(self.r#final, Scale::Money),
            "headerEffectiveMarkup": number(self.effective_markup()),
        })
    }
}
