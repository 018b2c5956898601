//! Tables as the platform's command line prints them.

/// A table as `az … --output table` prints it: columns at least two wider than their heads, two
/// blanks between them, a line of dashes under the heads, nothing at the ends of lines.
pub fn platform_table<'a>(
    heads: &[&str],
    rows: impl IntoIterator<Item = &'a [String]> + Clone,
) -> String {
    let mut widths: Vec<usize> = heads.iter().map(|head| head.len() + 2).collect();
    for row in rows.clone() {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let line = |cells: &mut dyn Iterator<Item = String>| -> String {
        let mut line = String::new();
        for (cell, width) in cells.zip(&widths) {
            line.push_str(&format!("{cell:<width$}  "));
        }
        format!("{}\n", line.trim_end())
    };
    let mut text = line(&mut heads.iter().map(ToString::to_string));
    text.push_str(&line(&mut widths.iter().map(|width| "-".repeat(*width))));
    for row in rows {
        text.push_str(&line(&mut row.iter().cloned()));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::platform_table;

    /// As captured from `az network routeserver peering list-learned-routes --query
    /// RouteServiceRole_IN_0 -o table`.
    #[test]
    fn a_table_is_as_wide_as_the_platforms() {
        let row = |cells: [&str; 3]| cells.map(str::to_owned);
        let rows = [
            row(["10.80.3.4", "10.80.10.0/24", "10100"]),
            row(["10.80.3.4", "10.80.4.0/22", "10100-10200-10200"]),
        ];
        let table = platform_table(
            &["LocalAddress", "Network", "AsPath"],
            rows.iter().map(<[String; 3]>::as_slice),
        );
        assert_eq!(
            table,
            "LocalAddress    Network        AsPath\n\
             --------------  -------------  -----------------\n\
             10.80.3.4       10.80.10.0/24  10100\n\
             10.80.3.4       10.80.4.0/22   10100-10200-10200\n"
        );
    }
}
