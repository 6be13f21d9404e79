//! Rows in columns.

use shoal_printable::Printable;

/// A table for people: a line of headings, a line for each row.
///
/// What always holds: whatever stands in a cell, it begins no other line.
pub(crate) struct Table {
    right: Vec<bool>,
    lines: Vec<Vec<String>>,
}

impl Table {
    /// With these headings; a column whose heading begins with `>` is aligned to the right.
    pub(crate) fn new(headings: &[&str]) -> Self {
        let right = headings.iter().map(|text| text.starts_with('>')).collect();
        let first = headings.iter().map(|text| text.trim_start_matches('>').to_owned()).collect();
        Self { right, lines: vec![first] }
    }

    /// Adds a row; it has as many cells as there are headings.
    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.lines.push(cells.into_iter().map(|text| Printable(&text).to_string()).collect());
    }

    /// The lines, without spaces at their ends.
    pub(crate) fn text(&self) -> String {
        let width = |column: usize| {
            let cells = self.lines.iter().filter_map(|line| line.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or_default()
        };
        let widths: Vec<usize> = (0..self.right.len()).map(width).collect();
        let line = |cells: &Vec<String>| {
            let cells = cells.iter().zip(&widths).zip(&self.right);
            let cells: Vec<String> = cells
                .map(
                    |((cell, width), right)| {
                        if *right { format!("{cell:>width$}") } else { format!("{cell:width$}") }
                    },
                )
                .collect();
            cells.join("  ").trim_end().to_owned()
        };
        self.lines.iter().map(line).collect::<Vec<_>>().join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_and_no_cell_begins_a_line() {
        let mut table = Table::new(&["name", ">size"]);
        table.row(["é名".to_owned(), "1".to_owned()]);
        table.row(["a\nb\u{1b}".to_owned(), "12345".to_owned()]);
        assert_eq!(table.text(), "name            size\né名                 1\na\\u{a}b\\u{1b}  12345");
    }
}
