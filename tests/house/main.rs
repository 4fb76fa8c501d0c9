//! Holds the tree to ARCHITECTURE.md and to the rules of the house. Reads files only; what runs is proved elsewhere.

mod floors;
mod picture;
mod rules;
mod source;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::OnceLock;

use floors::Floors;
use source::{Source, read_project};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(file: &str) -> String {
    fs::read_to_string(root().join(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

fn table() -> Floors {
    let floors = Floors::read(&read("ARCHITECTURE.md"));
    assert!(floors.rooms.len() > 10, "ARCHITECTURE.md has lost its floor table");
    floors
}

fn project() -> &'static [Source] {
    static PROJECT: OnceLock<Vec<Source>> = OnceLock::new();
    PROJECT.get_or_init(|| read_project(root()))
}

/// Applies a rule to every file and fails with all that it finds.
fn hold(rule: impl Fn(&Source) -> Vec<String>) {
    assert!(project().len() > 50, "only {} files were found", project().len());
    none(&project().iter().flat_map(rule).collect::<Vec<_>>());
}

fn none(violations: &[String]) {
    assert!(violations.is_empty(), "\n{}\n", violations.join("\n"));
}

#[test]
fn rooms_name_only_floors_below() {
    let floors = table();
    hold(|source| floors.violations(source));
}

#[test]
fn the_table_has_every_room_and_no_other() {
    let floors = table();
    let on_disk: BTreeSet<String> = project()
        .iter()
        .filter(|source| source.path.starts_with("src/") && source.path != "src/lib.rs")
        .map(|source| match floors.room_of_file(&source.path) {
            Some(room) => room.to_owned(),
            // A `mod.rs` above rooms only declares them.
            None => source.path.trim_start_matches("src/").trim_end_matches("/mod.rs").to_owned(),
        })
        .collect();
    let folders: BTreeSet<String> =
        floors.rooms.keys().filter_map(|room| room.split_once('/')).map(|(folder, _)| folder.to_owned()).collect();
    let drawn: BTreeSet<String> = floors.rooms.keys().filter(|room| *room != "sip").cloned().chain(folders).collect();
    let undrawn: Vec<_> = on_disk.difference(&drawn).collect();
    let gone: Vec<_> = drawn.difference(&on_disk).collect();
    assert!(undrawn.is_empty() && gone.is_empty(), "not in the table: {undrawn:?}; not on disk: {gone:?}");
}

#[test]
fn what_the_picture_points_at_is_there() {
    let text = read("ARCHITECTURE.md") + &read("docs/traps.md");
    none(&picture::pointers(&text).into_iter().filter_map(|(file, test)| missing(file, test)).collect::<Vec<_>>());
}

/// What is wrong about a pointer to a file and perhaps a test in it.
fn missing(file: &str, test: Option<&str>) -> Option<String> {
    let places = ["", "src/", "sip/src/"].map(|folder| root().join(folder).join(file));
    let Some(place) = places.iter().find(|place| place.exists()) else { return Some(format!("{file} is not there")) };
    let test = test?;
    (!picture::holds(&read(&place.to_string_lossy()), test)).then(|| format!("{file} holds no test {test}"))
}

#[test]
fn every_rfc_has_its_modules_and_its_tests() {
    let text = read("sip/src/lib.rs");
    let rows = picture::rfc_rows(&text);
    assert!(rows.len() > 25, "sip/src/lib.rs has lost its table of RFCs");
    let mut wrong = Vec::new();
    for row in &rows {
        let told = |what: &str| format!("{}: {what}", row.rfc);
        if !row.whole || row.modules.is_empty() || row.tests.is_empty() {
            wrong.push(told("a column is missing or names nothing"));
        }
        let is_there = |module: &String| {
            let file = module.replace("::", "/");
            let of_crate = [format!("sip/src/{file}.rs"), format!("sip/src/{file}/mod.rs")];
            root().join(module).is_file() || of_crate.iter().any(|file| root().join(file).is_file())
        };
        let gone = row.modules.iter().filter(|module| !is_there(module));
        wrong.extend(gone.map(|module| told(&format!("there is no module {module}"))));
        // A whole file is a test where the test runner finds tests in it.
        for (file, test) in &row.tests {
            let empty = test.is_none() && root().join(file).is_file() && !holds_tests(&read(file));
            wrong.extend(
                missing(file, *test).or(empty.then(|| format!("{file} holds no test"))).map(|what| told(&what)),
            );
        }
    }
    none(&wrong);
}

fn holds_tests(text: &str) -> bool {
    ["#[test]", "#[tokio::test"].iter().any(|mark| text.contains(mark))
}

#[test]
fn machines_ask_nothing_of_the_world() {
    let floors = table();
    hold(|source| rules::machines_ask_nothing(&floors, source));
}

#[test]
fn nothing_is_left_unfinished() {
    hold(rules::nothing_unfinished);
}

#[test]
fn every_queue_has_a_limit() {
    hold(rules::every_queue_has_a_limit);
}

#[test]
fn tests_do_not_sleep() {
    hold(rules::tests_do_not_sleep);
}

#[test]
fn nothing_unwraps_outside_input() {
    let floors = table();
    hold(|source| rules::nothing_unwraps(&floors, source));
}

#[test]
fn sql_is_only_in_the_store() {
    let floors = table();
    hold(|source| rules::sql_is_in_the_store(&floors, source));
}

#[test]
fn files_are_short_and_say_what_they_are() {
    hold(rules::files_are_short_and_say_what_they_are);
}

#[test]
fn a_c_compiler_is_all_the_build_needs() {
    none(&rules::nothing_heavy_is_built(&read("Cargo.lock")));
}
