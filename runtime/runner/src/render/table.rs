//! Columns for a terminal.

use std::fmt;

/// Rows whose cells line up. The first column is flush left, the others flush right unless they
/// are the last. Cells are shown as they are: escape what others wrote before.
pub(crate) struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with this heading.
    pub(crate) fn new(heading: &[&str]) -> Self {
        Self { rows: vec![heading.iter().map(|&cell| cell.to_owned()).collect()] }
    }

    /// Adds a row.
    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().collect());
    }
}

/// The width on a terminal, styles not counted.
fn width(cell: &str) -> usize {
    anstream::adapter::strip_str(cell).to_string().chars().count()
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let widths: Vec<usize> = (0..columns)
            .map(|column| {
                self.rows.iter().filter_map(|row| row.get(column)).map(|cell| width(cell)).max().unwrap_or(0)
            })
            .collect();
        for (number, row) in self.rows.iter().enumerate() {
            if number > 0 {
                writeln!(f)?;
            }
            write!(f, " ")?;
            for (column, (cell, width_of_column)) in row.iter().zip(&widths).enumerate() {
                let gap = " ".repeat(width_of_column.saturating_sub(width(cell)));
                match column {
                    0 => write!(f, " {cell}{gap}")?,
                    _ if column + 1 == columns => write!(f, "  {cell}")?,
                    _ => write!(f, "  {gap}{cell}")?,
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Table;
    use insta::assert_snapshot;

    #[test]
    fn columns_line_up() {
        let mut table = Table::new(&["step", "fuel", "note"]);
        table.row(["a".into(), "1,000".into(), "x".into()]);
        table.row(["longer".into(), "7".into(), "yz".into()]);
        assert_snapshot!(table, @r"
step     fuel  note
a       1,000  x
longer      7  yz
");
    }
}
