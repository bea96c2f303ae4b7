//! A revision's totals: sums over its lines, each product rounded per line.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::decimal::{MAX_MONEY, Scale, div_round, to_json};
use super::line::Line;

/// Totals as the table keeps them, in cents.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Totals {
    budgeted: i64,
    actual: i64,
    reconciled: i64,
    r#final: i64,
}

impl Totals {
    /// The totals of these lines; `None` when one is more than money can be.
    pub fn of<'a>(lines: impl Iterator<Item = &'a Line>) -> Option<Self> {
        let (mut budgeted, mut actual, mut reconciled, mut total) = (0i128, 0i128, 0i128, 0i128);
        for line in lines {
            budgeted += line.extended("itemBudgetedCost");
            actual += line.extended("itemActualCost");
            reconciled += line.extended("itemReconciledCost");
            total += line.final_cost();
        }
        let money = |amount: i128| i64::try_from(amount).ok().filter(|amount| *amount <= MAX_MONEY);
        Some(Self { budgeted: money(budgeted)?, actual: money(actual)?, reconciled: money(reconciled)?, r#final: money(total)? })
    }

    /// By how much the final total is more than the budgeted one, as a part of that, in ten-thousandths: up to 10^19. 0 where nothing is
    /// budgeted.
    fn effective_markup(self) -> i128 {
        let (budgeted, total) = (i128::from(self.budgeted), i128::from(self.r#final));
        if budgeted == 0 { 0 } else { div_round((total - budgeted) * 10_000, budgeted) }
    }

    /// As the API gives them.
    pub fn to_json(self) -> Value {
        json!({
            "headerBudgetedTotalCost": to_json(self.budgeted, Scale::Money),
            "headerActualTotalCost": to_json(self.actual, Scale::Money),
            "headerReconciledTotalCost": to_json(self.reconciled, Scale::Money),
            "headerFinalTotalCost": to_json(self.r#final, Scale::Money),
            "headerEffectiveMarkup": to_json(self.effective_markup(), Scale::MarkUp),
        })
    }
}
