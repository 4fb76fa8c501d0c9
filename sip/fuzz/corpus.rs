//! The corpus: `corpus/TARGET/` holds an input a file, `corpus/TARGET.txt` one a line (escapes as in Rust's byte
//! strings). For messages the torture messages of the tests belong to it too.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

use super::target::Target;

#[path = "../tests/torture/mod.rs"]
mod torture;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus")
}

/// All inputs of a target, in the order of their names.
pub fn of(target: &Target) -> Vec<Vec<u8>> {
    let mut inputs = Vec::new();
    if let Ok(entries) = fs::read_dir(folder().join(target.name)) {
        let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
        paths.sort();
        inputs.extend(paths.iter().map(|path| fs::read(path).expect("a file of the corpus")));
    }
    if let Ok(text) = fs::read_to_string(folder().join(format!("{}.txt", target.name))) {
        inputs.extend(text.lines().map(unescaped));
    }
    if ["message", "stream", "endpoint"].contains(&target.name) {
        inputs.extend(torture::all().map(|vector| vector.bytes().to_vec()));
    }
    assert!(!inputs.is_empty(), "{} has no corpus", target.name);
    inputs
}

/// Saves a finding, for good; its path.
pub fn keep(target: &Target, input: &[u8]) -> PathBuf {
    let mut hasher = DefaultHasher::new();
    input.hash(&mut hasher);
    let folder = folder().join(target.name);
    let path = folder.join(format!("found-{:016x}", hasher.finish()));
    fs::create_dir_all(&folder).and_then(|()| fs::write(&path, input)).expect("a writable corpus");
    path
}

fn unescaped(line: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = line.bytes();
    while let Some(byte) = rest.next() {
        let escape = (byte == b'\\').then(|| rest.next().expect("an escape"));
        out.push(match escape {
            None => byte,
            Some(b'r') => b'\r',
            Some(b'n') => b'\n',
            Some(b't') => b'\t',
            Some(b'x') => {
                let digits: String = rest.by_ref().take(2).map(char::from).collect();
                u8::from_str_radix(&digits, 16).expect("two hexadecimal digits")
            }
            Some(other) => other,
        });
    }
    out
}
