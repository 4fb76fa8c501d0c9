//! The rules that are about what must be absent. Each takes one file (or the lock file) and gives its violations, a line
//! each.

use crate::floors::{ADAPTERS, Floors};
use crate::source::{Source, Word, words};

/// What no machine may touch: clocks, tasks, sockets, files, threads, locks, randomness of its own.
const OUTSIDE_WORLD: [&str; 22] = [
    "Instant::now",
    "SystemTime",
    "Utc::now",
    "Local::now",
    "tokio",
    "async fn",
    "async move",
    "async {",
    ".await",
    "UdpSocket",
    "TcpStream",
    "TcpListener",
    "fs::",
    "File::",
    "process::",
    "env::var",
    "thread::",
    "Mutex",
    "RwLock",
    "rand::rng(",
    "thread_rng",
    "OsRng",
];

/// What no file may hold.
const UNFINISHED: [&str; 3] = ["todo!", "unimplemented!", "dbg!"];
/// Queues without a limit.
const UNBOUNDED: [&str; 3] = ["unbounded_channel", "UnboundedSender", "std::sync::mpsc::channel"];
/// Crates that need more than a C compiler, or a second TLS or crypto library.
const HEAVY_CRATES: [&str; 8] =
    ["aws-lc-rs", "aws-lc-sys", "openssl", "openssl-sys", "native-tls", "cmake", "protobuf-src", "prost-build"];
/// A file is read in one sitting.
const LINES_MOST: usize = 600;

/// Below the adapters, and in the crate `sip`, nothing asks the world: it is told.
pub fn machines_ask_nothing(floors: &Floors, source: &Source) -> Vec<String> {
    match floors.floor_of_file(&source.path) {
        Some(floor) if floor < ADAPTERS => find(source, &OUTSIDE_WORLD, |word| !word.test),
        _ => Vec::new(),
    }
}

pub fn nothing_unfinished(source: &Source) -> Vec<String> {
    find(source, &UNFINISHED, |_| true)
}

pub fn every_queue_has_a_limit(source: &Source) -> Vec<String> {
    find(source, &UNBOUNDED, |_| true)
}

/// A test waits for an event with a deadline, not for luck.
pub fn tests_do_not_sleep(source: &Source) -> Vec<String> {
    find(source, &["sleep(", "sleep_until("], |word| word.test)
}

/// A failure on outside input is an error or a state. What cannot fail says why: `expect("invariant: …")`.
pub fn nothing_unwraps(floors: &Floors, source: &Source) -> Vec<String> {
    if floors.floor_of_file(&source.path).is_none_or(|floor| floor > 6) {
        return Vec::new();
    }
    let mut found = find(source, &[".unwrap()", ".unwrap_err()"], |word| !word.test);
    for window in source.words.windows(4) {
        let [dot, expect, open, reason] = window else { continue };
        let called = dot.text == "." && expect.text == "expect" && open.text == "(" && !dot.test;
        if called && reason.literal().is_some_and(|reason| !reason.starts_with("invariant: ")) {
            found.push(format!("{}:{}: .expect({}", source.path, expect.line, reason.text));
        }
    }
    found
}

/// SQL, and the crate that speaks it, live in the store.
pub fn sql_is_in_the_store(floors: &Floors, source: &Source) -> Vec<String> {
    if floors.room_of_file(&source.path).is_none_or(|room| room == "store") {
        return Vec::new();
    }
    let mut found = find(source, &["sqlx::"], |_| true);
    let sql = source.words.iter().filter(|word| word.literal().is_some_and(is_sql));
    found.extend(sql.map(|word| format!("{}:{}: {}", source.path, word.line, word.text)));
    found
}

fn is_sql(text: &str) -> bool {
    let text = format!("{} ", text.to_lowercase().split_whitespace().collect::<Vec<_>>().join(" "));
    let statement = |start: &str, then: &str| text.starts_with(start) && text.contains(then);
    statement("select ", " from ")
        || statement("insert ", " into ")
        || statement("delete ", " from ")
        || statement("update ", " set ")
        || statement("create ", " table ")
        || statement("drop ", " table ")
        || statement("alter ", " table ")
        || text.starts_with("pragma ")
}

/// Every file begins by saying what it is, and ends before it becomes long.
pub fn files_are_short_and_say_what_they_are(source: &Source) -> Vec<String> {
    let mut found = Vec::new();
    if !source.text.starts_with("//! ") {
        found.push(format!("{}: does not begin with //!", source.path));
    }
    let lines = source.text.lines().count();
    if lines > LINES_MOST && !source.path.contains("/fixtures/") {
        found.push(format!("{}: {lines} lines", source.path));
    }
    found
}

/// Reads Cargo.lock.
pub fn nothing_heavy_is_built(lock: &str) -> Vec<String> {
    let names = lock.lines().filter_map(|line| line.strip_prefix("name = \"")?.strip_suffix('"'));
    names.filter(|name| HEAVY_CRATES.contains(name)).map(|name| format!("Cargo.lock: {name}")).collect()
}

/// Every place where the words of one of the patterns stand in a row, in the part of the file that counts.
fn find(source: &Source, patterns: &[&str], counts: impl Fn(&Word) -> bool) -> Vec<String> {
    let patterns: Vec<(&str, Vec<Word>)> = patterns.iter().map(|pattern| (*pattern, words(pattern))).collect();
    let mut found = Vec::new();
    for (at, word) in source.words.iter().enumerate() {
        for (pattern, parts) in &patterns {
            let mut here = source.words[at..].iter().map(|word| &word.text);
            if counts(word) && parts.iter().all(|part| here.next() == Some(&part.text)) {
                found.push(format!("{}:{}: {pattern}", source.path, word.line));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::source;

    fn floors() -> Floors {
        Floors::read("| 5 | `switch` | |\n| 4 | `store` | |\n| 3 | `call` | |\n| 0 | crate `sip` | |")
    }

    /// One file, and how many violations a rule finds in it.
    fn check(rule: impl Fn(&Source) -> Vec<String>, cases: &[(&str, &str, usize)]) {
        for (path, text, expect) in cases {
            let found = rule(&source(path, text));
            assert_eq!(found.len(), *expect, "{path}: {text}: {found:?}");
        }
    }

    #[test]
    fn a_machine_that_asks_is_found() {
        let rule = |source: &Source| machines_ask_nothing(&floors(), source);
        check(
            rule,
            &[
                ("src/call/mod.rs", "let now = Instant::now();", 1),
                ("src/call/mod.rs", "use std::time::Instant; // Instant::now", 0),
                ("src/call/mod.rs", "#[cfg(test)] mod tests { fn f() { Instant::now(); } }", 0),
                ("src/call/mod.rs", "use tokio::sync::mpsc; async fn f() { g().await }", 3),
                ("sip/src/timer.rs", "let x: Mutex<u8>; rand::rng().random()", 2),
                ("src/store/mod.rs", "Instant::now()", 0),
                ("src/call/mod.rs", "std::thread::spawn(f); File::open(p)", 2),
            ],
        );
    }

    #[test]
    fn unfinished_work_and_limitless_queues_are_found() {
        check(nothing_unfinished, &[("src/a.rs", "todo!()", 1), ("src/a.rs", "fn f() { unimplemented!(\"x\") }", 1)]);
        check(nothing_unfinished, &[("src/a.rs", "// todo!()\nlet todo = \"dbg!\";", 0)]);
        check(every_queue_has_a_limit, &[("src/a.rs", "mpsc::unbounded_channel()", 1)]);
        check(every_queue_has_a_limit, &[("src/a.rs", "mpsc::channel(8)", 0)]);
    }

    #[test]
    fn a_sleeping_test_is_found() {
        check(
            tests_do_not_sleep,
            &[
                ("tests/a.rs", "tokio::time::sleep(x).await", 1),
                ("src/a.rs", "tokio::time::sleep(x).await", 0),
                ("src/a.rs", "#[cfg(test)] mod tests { fn f() { thread::sleep(x) } }", 1),
            ],
        );
    }

    #[test]
    fn unwrapping_is_found() {
        let rule = |source: &Source| nothing_unwraps(&floors(), source);
        check(
            rule,
            &[
                ("src/call/mod.rs", "x.unwrap()", 1),
                ("src/call/mod.rs", "x.unwrap_or(1)", 0),
                ("src/call/mod.rs", "x.expect(\"it works\")", 1),
                ("src/call/mod.rs", "x\n.expect(\n\"invariant: it was checked\")", 0),
                ("src/call/mod.rs", "parser.expect(Mark::Colon)", 0),
                ("src/call/mod.rs", "#[cfg(test)] fn f() { x.unwrap() }", 0),
                ("tests/a.rs", "x.unwrap()", 0),
            ],
        );
    }

    #[test]
    fn sql_outside_the_store_is_found() {
        let rule = |source: &Source| sql_is_in_the_store(&floors(), source);
        check(
            rule,
            &[
                ("src/switch/mod.rs", "query(\"SELECT a\n FROM b\")", 1),
                ("src/switch/mod.rs", "query(r#\"insert or ignore into a values (1)\"#)", 1),
                ("src/switch/mod.rs", "sqlx::query(q)", 1),
                ("src/switch/mod.rs", "say(\"select a size\"); say(\"update the list\")", 0),
                ("src/store/mod.rs", "sqlx::query(\"SELECT a FROM b\")", 0),
            ],
        );
    }

    #[test]
    fn long_files_and_files_without_a_head_are_found() {
        let long = format!("//! A file.\n{}", "\n".repeat(LINES_MOST));
        check(
            files_are_short_and_say_what_they_are,
            &[("src/a.rs", "//! A file.", 0), ("src/a.rs", "// A file.", 1), ("src/a.rs", &long, 1)],
        );
    }

    #[test]
    fn heavy_crates_are_found() {
        assert_eq!(nothing_heavy_is_built("[[package]]\nname = \"aws-lc-rs\"\nversion = \"1\"").len(), 1);
        assert_eq!(nothing_heavy_is_built("[[package]]\nname = \"ring\"\n\"cmake\",").len(), 0);
    }
}
