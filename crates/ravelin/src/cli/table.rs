//! Tables for a terminal.

use ravelin_ops::admin::plain;

/// Columns as wide as their widest cell, two blanks apart, no blank at a line's end. Nothing in a cell can move the
/// cursor or turn the text around. Empty where there are no rows.
pub(super) fn table(heads: &[&str], rows: &[Vec<String>]) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let heads = heads.iter().map(|head| head.to_uppercase()).collect();
    let rows: Vec<Vec<String>> =
        std::iter::once(heads).chain(rows.iter().map(|row| row.iter().map(|cell| plain(cell)).collect())).collect();
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns)
        .map(|column| rows.iter().filter_map(|row| row.get(column)).map(String::len).max().unwrap_or(0))
        .collect();
    let mut text = String::new();
    for row in &rows {
        let cells: Vec<String> = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        text.push_str(cells.join("  ").trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up() {
        let rows = [vec!["a".to_owned(), "bb".to_owned()], vec!["long cell".to_owned(), String::new()]];
        assert_eq!(table(&["x", "y"], &rows), "X          Y\na          bb\nlong cell\n");
        assert_eq!(table(&["x"], &[]), "");
    }

    /// Covers: docs/traps.md row 61.
    #[test]
    fn a_cell_cannot_reach_the_terminal() {
        let text = table(&["x"], &[vec!["\u{1b}[2J\r\n\u{202e}\u{9b}m\u{fc}".to_owned()]]);
        assert_eq!(text, "X\n\\u{1b}[2J\\u{d}\\u{a}\\u{202e}\\u{9b}m\\u{fc}\n");
    }
}
