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
    let mut wrong = Vec::new();
    for (file, test) in picture::pointers(&text) {
        let places = ["", "src/", "sip/src/"].map(|folder| root().join(folder).join(file));
        match places.iter().find(|place| place.exists()) {
            None => wrong.push(format!("{file} is not there")),
            Some(place) => {
                let holds = test.is_none_or(|test| picture::holds(&read(&place.to_string_lossy()), test));
                wrong.extend((!holds).then(|| format!("{file} holds no test {}", test.unwrap_or_default())));
            }
        }
    }
    none(&wrong);
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
