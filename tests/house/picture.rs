//! What ARCHITECTURE.md points at: files that must exist, and tests that must be there under their names.

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

#[cfg(test)]
mod tests {
    use super::*;

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
