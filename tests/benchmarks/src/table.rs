//! A table of figures.

use local_stack::config::print_line;

/// The bar of a figure.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Bar {
    /// The figure is reported only.
    None,
    /// The figure may be this much.
    AtMost(f64),
    /// The figure must be this much.
    AtLeast(f64),
}

/// A figure with its bar.
pub(crate) struct Row {
    /// What is measured.
    pub(crate) name: String,
    /// The figure.
    pub(crate) figure: f64,
    /// The unit.
    pub(crate) unit: &'static str,
    /// The bar.
    pub(crate) bar: Bar,
}

impl Row {
    /// A row.
    pub(crate) fn new(name: impl Into<String>, figure: f64, unit: &'static str, bar: Bar) -> Self {
        Self { name: name.into(), figure, unit, bar }
    }

    /// Whether the bar holds. A figure without a bar passes.
    pub(crate) fn passes(&self) -> bool {
        match self.bar {
            Bar::None => true,
            Bar::AtMost(bar) => self.figure <= bar,
            Bar::AtLeast(bar) => self.figure >= bar,
        }
    }

    /// The name, the figure with its unit, the bar and the verdict.
    pub(crate) fn cells(&self) -> [String; 4] {
        let bar = match self.bar {
            Bar::None => String::new(),
            Bar::AtMost(bar) => format!("≤ {}", number(bar)),
            Bar::AtLeast(bar) => format!("≥ {}", number(bar)),
        };
        let verdict = match self.bar {
            Bar::None => "",
            _ if self.passes() => "pass",
            _ => "FAIL",
        };
        [self.name.clone(), format!("{} {}", number(self.figure), self.unit), bar, verdict.to_owned()]
    }
}

/// Prints the rows.
pub(crate) fn print(rows: &[Row]) {
    for row in rows {
        let [name, figure, bar, verdict] = row.cells();
        print_line(&format!("{name:<62} {figure:>24} {bar:>12} {verdict}"));
    }
}

/// The rows as a table in Markdown.
pub(crate) fn markdown(rows: &[Row]) -> String {
    let line = |row: &Row| format!("| {} |\n", row.cells().join(" | "));
    format!("| what | figure | bar | |\n| --- | ---: | ---: | --- |\n{}", rows.iter().map(line).collect::<String>())
}

/// A number: with a comma after every three digits, or, if it is small, with two decimals.
pub(crate) fn number(number: f64) -> String {
    if number.abs() < 100.0 {
        return format!("{number:.2}");
    }
    let digits = format!("{number:.0}");
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_by_thousands() {
        assert_eq!([1.0, 99.999, 999.0, 1_000.0, 1_234_567.0].map(number), ["1.00", "100.00", "999", "1,000", "1,234,567"]);
    }

    #[test]
    fn a_figure_is_held_to_its_bar() {
        let passes = |figure, bar| Row::new("", figure, "", bar).passes();
        let (most, least) = (Bar::AtMost(2.0), Bar::AtLeast(2.0));
        assert_eq!(
            [passes(2.0, most), passes(3.0, most), passes(2.0, least), passes(1.0, least), passes(9.0, Bar::None)],
            [true, false, true, false, true]
        );
    }
}
