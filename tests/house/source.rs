//! The project's Rust files as words: comments gone, string literals kept whole, and what is only for tests told apart.
//! A lexical reading is enough for every rule of the house, and cannot be confused by macros.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// One word of a source file: an identifier, a number, a lifetime, a whole literal with its quotes, `::`, or one mark.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    pub text: String,
    /// Counted from 1.
    pub line: usize,
    /// Compiled for tests only.
    pub test: bool,
}

impl Word {
    /// What stands between the quotes, of a string literal of any kind.
    pub fn literal(&self) -> Option<&str> {
        let start = self.text.find('"')?;
        let end = self.text.rfind('"')?;
        let prefix = &self.text[..start];
        (prefix.chars().all(|c| "rbc#".contains(c)) && start < end).then(|| &self.text[start + 1..end])
    }
}

/// A Rust file of the project.
#[derive(Debug)]
pub struct Source {
    /// Relative to the project's root, with `/`.
    pub path: String,
    pub text: String,
    pub words: Vec<Word>,
}

/// Every Rust file of both crates.
pub fn read_project(root: &Path) -> Vec<Source> {
    let mut files = Vec::new();
    for folder in ["src", "tests", "benches", "sip/src", "sip/tests", "sip/benches", "sip/fuzz"] {
        collect(&root.join(folder), &mut files);
    }
    files.sort();
    let read = |file: &PathBuf| {
        let path = file.strip_prefix(root).expect("invariant: found under the root");
        let text = fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        source(&path.to_string_lossy(), &text)
    };
    let mut sources: Vec<Source> = files.iter().map(read).collect();
    mark_test_files(&mut sources);
    sources
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for path in entries.flatten().map(|entry| entry.path()) {
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

/// One file by itself. Whether another file declares it for tests only is not known here.
pub fn source(path: &str, text: &str) -> Source {
    let mut words = words(text);
    let whole =
        ["tests/", "benches/", "sip/tests/", "sip/benches/", "sip/fuzz/"].iter().any(|folder| path.starts_with(folder));
    if whole {
        words.iter_mut().for_each(|word| word.test = true);
    } else {
        mark_test_items(&mut words);
    }
    Source { path: path.to_owned(), text: text.to_owned(), words }
}

/// The modules a file is in: `src/a/b.rs` and `src/a/b/mod.rs` are both `a`, `b`; the crate's root is empty.
pub fn module_of(path: &str) -> Vec<&str> {
    let inside = path.split_once("src/").map_or(path, |(_, inside)| inside);
    let mut parts: Vec<&str> = inside.trim_end_matches(".rs").split('/').collect();
    if matches!(parts.last(), Some(&("mod" | "lib" | "main"))) {
        parts.pop();
    }
    parts
}

/// Marks files that another file declares as `#[cfg(test)] mod name;`, and all files below them. A `#[path = "x.rs"]`
/// between the two names the file beside the declaring one.
fn mark_test_files(sources: &mut [Source]) {
    let mut modules: BTreeSet<(bool, Vec<String>)> = BTreeSet::new();
    let mut files: BTreeSet<String> = BTreeSet::new();
    let names = |source: &Source| module_of(&source.path).into_iter().map(str::to_owned).collect::<Vec<String>>();
    for source in sources.iter() {
        for window in source.words.windows(3).filter(|window| window[0].test) {
            match [&window[0].text, &window[1].text, &window[2].text].map(String::as_str) {
                ["mod", name, ";"] => {
                    let mut module = names(source);
                    module.push(name.to_owned());
                    modules.insert((source.path.starts_with("sip/"), module));
                }
                ["path", "=", file] => {
                    let folder = source.path.rsplit_once('/').map_or("", |(folder, _)| folder);
                    files.insert(format!("{folder}/{}", file.trim_matches('"')));
                }
                _ => {}
            }
        }
    }
    for source in sources {
        let module = names(source);
        let of_sip = source.path.starts_with("sip/");
        let below = (1..=module.len()).any(|length| modules.contains(&(of_sip, module[..length].to_vec())));
        if below || files.contains(&source.path) {
            source.words.iter_mut().for_each(|word| word.test = true);
        }
    }
}

/// Marks every item under `#[cfg(test)]`: up to its `;`, or to the end of its braces.
fn mark_test_items(words: &mut [Word]) {
    const CFG_TEST: [&str; 7] = ["#", "[", "cfg", "(", "test", ")", "]"];
    let mut at = 0;
    while at < words.len() {
        if !starts_with(&words[at..], &CFG_TEST) {
            at += 1;
            continue;
        }
        let mut depth = 0_usize;
        let mut end = at + CFG_TEST.len();
        while let Some(word) = words.get(end) {
            match word.text.as_str() {
                "{" | "(" | "[" => depth += 1,
                "}" | ")" | "]" => depth = depth.saturating_sub(1),
                _ => {}
            }
            let closed = depth == 0 && matches!(word.text.as_str(), "}" | ";");
            end += 1;
            if closed {
                // The braces of a `use` list, or of an initialiser, are followed by its semicolon.
                end += usize::from(words.get(end).is_some_and(|next| next.text == ";"));
                break;
            }
        }
        words[at..end].iter_mut().for_each(|word| word.test = true);
        at = end;
    }
}

/// Whether the words begin with these texts.
pub fn starts_with(words: &[Word], texts: &[&str]) -> bool {
    words.len() >= texts.len() && words.iter().zip(texts).all(|(word, text)| word.text == *text)
}

/// Splits Rust text into words.
pub fn words(text: &str) -> Vec<Word> {
    let mut words = Vec::new();
    let mut rest = text;
    let mut line = 1;
    while let Some(first) = rest.chars().next() {
        let (length, keep) = match first {
            _ if rest.starts_with("//") => (rest.find('\n').unwrap_or(rest.len()), false),
            _ if rest.starts_with("/*") => (block_comment(rest), false),
            _ if first.is_whitespace() => (first.len_utf8(), false),
            _ => (literal(rest).unwrap_or_else(|| plain(rest)), true),
        };
        let (word, after) = rest.split_at(length);
        if keep {
            words.push(Word { text: word.to_owned(), line, test: false });
        }
        line += word.matches('\n').count();
        rest = after;
    }
    words
}

/// The length of a block comment; they nest.
fn block_comment(text: &str) -> usize {
    let mut depth = 0;
    let mut at = 0;
    while at < text.len() {
        let rest = &text[at..];
        if rest.starts_with("/*") {
            depth += 1;
            at += 2;
        } else if rest.starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                break;
            }
        } else {
            at += rest.chars().next().map_or(1, char::len_utf8);
        }
    }
    at
}

/// The length of the string or character literal the text begins with.
fn literal(text: &str) -> Option<usize> {
    let prefix = text.find(|c: char| !"rbc".contains(c))?;
    let (prefix, body) = text.split_at(prefix);
    let raw = prefix.contains('r');
    let hashes = if raw { body.len() - body.trim_start_matches('#').len() } else { 0 };
    let quoted = &body[hashes..];
    if prefix.len() > 2 {
        return None;
    }
    if let Some(after_quote) = quoted.strip_prefix('"') {
        let end = if raw {
            let close = format!("\"{}", "#".repeat(hashes));
            1 + after_quote.find(&close)? + close.len()
        } else {
            escaped_end(quoted, '"')?
        };
        return Some(prefix.len() + hashes + end);
    }
    // A lifetime has no closing quote right after its first character; a character has.
    let mut inside = quoted.strip_prefix('\'')?.chars();
    let (first, second) = (inside.next()?, inside.next()?);
    (!raw && (first == '\\' || second == '\'')).then(|| escaped_end(quoted, '\'').map(|end| prefix.len() + end))?
}

/// The length up to and with the closing quote; backslashes escape.
fn escaped_end(text: &str, quote: char) -> Option<usize> {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if c == quote => return Some(at + c.len_utf8()),
            _ => {}
        }
    }
    None
}

/// The length of an identifier, number or lifetime, of `::`, or of one mark.
fn plain(text: &str) -> usize {
    let named = |c: char| c.is_alphanumeric() || c == '_';
    let start = text.chars().next().map_or(1, char::len_utf8);
    if text.starts_with("::") {
        2
    } else if text.starts_with(named) || text.starts_with('\'') {
        start + text[start..].find(|c| !named(c)).unwrap_or(text.len() - start)
    } else {
        start
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(text: &str) -> Vec<String> {
        words(text).into_iter().map(|word| word.text).collect()
    }

    #[test]
    fn comments_go_and_literals_stay_whole() {
        let check = |text: &str, expect: &[&str]| assert_eq!(texts(text), expect, "{text}");
        check("a::b // c\n d", &["a", "::", "b", "d"]);
        check("/* a /* b */ c */ d", &["d"]);
        check(r#"f("a // \" b")"#, &["f", "(", r#""a // \" b""#, ")"]);
        check(r##"r#"a " b"# x"##, &[r##"r#"a " b"#"##, "x"]);
        check("b'\\'' 'x' &'a str", &["b'\\''", "'x'", "&", "'a", "str"]);
        check("crate b", &["crate", "b"]);
        check("'є'", &["'є'"]);
    }

    #[test]
    fn a_literal_is_what_stands_between_the_quotes() {
        let literal = |text: &str| words(text)[0].literal().map(str::to_owned);
        assert_eq!(literal(r#""SELECT""#), Some("SELECT".to_owned()));
        assert_eq!(literal(r##"br#"a"b"#"##), Some("a\"b".to_owned()));
        assert_eq!(literal("name"), None);
    }

    #[test]
    fn lines_are_counted_through_literals_and_comments() {
        let lines: Vec<usize> = words("a\n/*\n*/ \"b\nb\" c").iter().map(|word| word.line).collect();
        assert_eq!(lines, [1, 3, 4]);
    }

    #[test]
    fn what_is_for_tests_only_is_told_apart() {
        let check = |text: &str, expect: &[&str]| {
            let kept = source("src/a.rs", text).words.into_iter().filter(|word| !word.test);
            assert_eq!(kept.map(|word| word.text).collect::<Vec<_>>(), expect, "{text}");
        };
        check("a #[cfg(test)] mod tests { fn f() {} } b", &["a", "b"]);
        check("a #[cfg(test)] use x::{y, z}; b", &["a", "b"]);
        check("#[cfg(test)] #[derive(Debug)] struct S([u8; 2]); b", &["b"]);
        check("#[cfg(test)] impl S { fn f(a: [u8; 2]) -> u8 { 1 } } b", &["b"]);
        check("#[cfg(unix)] fn f() {}", &["#", "[", "cfg", "(", "unix", ")", "]", "fn", "f", "(", ")", "{", "}"]);
    }

    #[test]
    fn a_file_declared_for_tests_is_one_with_all_below_it() {
        let mut sources = vec![
            source("src/a/mod.rs", "#[cfg(test)] mod tests; mod b; #[cfg(test)] #[path = \"c_tests.rs\"] mod c;"),
            source("src/a/c_tests.rs", "x"),
            source("src/a/tests.rs", "x"),
            source("src/a/tests/more.rs", "x"),
            source("src/a/b.rs", "x"),
            source("sip/src/a/tests.rs", "x"),
        ];
        mark_test_files(&mut sources);
        let marked: Vec<bool> = sources.iter().skip(1).map(|source| source.words[0].test).collect();
        assert_eq!(marked, [true, true, true, false, false]);
    }
}
