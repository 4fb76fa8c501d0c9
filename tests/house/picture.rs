//! What ARCHITECTURE.md, docs/traps.md and the table of RFCs point at: files that must exist, and tests that must be there
//! under their names.

/// The files (`call/mod.rs`, `sip/src/timer.rs`) and tests (`call/tests.rs::a_name`) a text names between backticks.
pub fn pointers(text: &str) -> Vec<(&str, Option<&str>)> {
    let ticked = text.lines().flat_map(|line| line.split('`').skip(1).step_by(2));
    let pointer = |text| -> Option<(&str, Option<&str>)> {
        let (file, test) = match str::split_once(text, "::") {
            Some((file, test)) => (file, Some(test)),
            None => (text, None),
        };
        let points = file.ends_with(".rs") || (file.contains('/') && !file.contains(['{', ' ', ':']));
        // `/metrics` is an address on our own pages, not a file.
        (points && !file.starts_with('/')).then_some((file, test))
    };
    ticked.filter_map(pointer).collect()
}

/// Whether a file holds a test function of this name.
pub fn holds(text: &str, test: &str) -> bool {
    let name = format!("fn {test}(");
    text.lines().any(|line| line.contains(&name))
}

/// A row of the table of RFCs on the first page of the crate `sip`.
#[derive(Debug)]
pub struct Row<'a> {
    /// Numbers and what they are of.
    pub rfc: &'a str,
    /// What the row names as its modules: paths in the crate, or files of the application.
    pub modules: Vec<String>,
    /// Tests by file, or by file and name.
    pub tests: Vec<(&'a str, Option<&'a str>)>,
    /// No column is empty.
    pub whole: bool,
}

/// The rows of the table whose first column is `RFC`.
pub fn rfc_rows(text: &str) -> Vec<Row<'_>> {
    let lines = text.lines().map(|line| line.trim_start_matches("//!").trim());
    let table = lines.skip_while(|line| !line.starts_with("| RFC |")).skip(2);
    table.take_while(|line| line.starts_with('|')).map(rfc_row).collect()
}

fn rfc_row(line: &str) -> Row<'_> {
    let columns: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
    let [rfc, modules, _, tests] = columns.as_slice() else {
        return Row { rfc: line, modules: Vec::new(), tests: Vec::new(), whole: false };
    };
    let modules = modules.split('`').skip(1).step_by(2).flat_map(in_braces).collect();
    Row { rfc, modules, tests: pointers(tests), whole: columns.iter().all(|column| !column.is_empty()) }
}

/// `a::{b, c}` as `a::b` and `a::c`.
fn in_braces(path: &str) -> Vec<String> {
    match path.split_once("::{") {
        Some((above, names)) => {
            names.trim_end_matches('}').split(',').map(|name| format!("{above}::{}", name.trim())).collect()
        }
        None => vec![path.to_owned()],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_rfcs_are_read() {
        let text = "//! | module | |\n//!\n//! | RFC | module | status | test |\n//! |---|---|---|---|\n\
                    //! | 1 x | `a::{b, c}`, `src/d.rs` | done, see `no/test.rs` | `t/e.rs::f`, `t/g.rs` |\n\
                    //! | 2 | `a` | | `t/e.rs` |\n//! | 3 | `a` | done |\n\npub mod a;\n// | 4 |";
        let rows = rfc_rows(text);
        assert_eq!((rows[0].rfc, rows[0].whole), ("1 x", true));
        assert_eq!(rows[0].modules, ["a::b", "a::c", "src/d.rs"]);
        assert_eq!(rows[0].tests, [("t/e.rs", Some("f")), ("t/g.rs", None)]);
        assert_eq!(rows.iter().map(|row| row.whole).collect::<Vec<_>>(), [true, false, false]);
    }

    #[test]
    fn files_and_tests_are_pointed_at() {
        let text =
            "In `call/mod.rs`, `docs/decisions/` and `a/b.rs::it_holds`; not `handle(now)`, `/metrics` or `a/{b,c}`.";
        let expect = [("call/mod.rs", None), ("docs/decisions/", None), ("a/b.rs", Some("it_holds"))];
        assert_eq!(pointers(text), expect);
    }

    #[test]
    fn a_test_is_found_by_its_whole_name() {
        assert!(holds("#[test]\n    fn it_holds() {", "it_holds"));
        assert!(!holds("fn it_holds_too() {", "it_holds"));
    }
}
