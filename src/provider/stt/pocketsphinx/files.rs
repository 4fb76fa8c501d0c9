//! The files the library wants on disk while it runs: the dictionary of this shop's words, and the acoustic model with one
//! setting changed. The model's own settings override a program's, so a directory of links stands in for it.

use std::fs::DirEntry;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::TempDir;

/// The mean of telephone speech as `widen` leaves it. The model starts from that of a microphone in a quiet room, and
/// would understand nothing of a caller's first sentence.
const MEAN: &str = "54.6,-14.2,1.1,7.4,-2.9,-5.7,-3.2,-4.9,-8.9,-4.4,-2.0,-5.8,3.0";

/// The directories' names begin so, with the number of their process behind it.
const PREFIX: &str = "telefonist-ears-";

/// How old the directory of a process is that no longer runs before it is removed.
const LEFT_BEHIND: Duration = Duration::from_secs(7 * 86_400);

/// A directory of its own, removed at the end.
pub struct ModelFiles {
    directory: TempDir,
}

impl ModelFiles {
    pub fn write(model: &Path, dictionary: &str) -> io::Result<ModelFiles> {
        let place = std::env::temp_dir();
        sweep(&place);
        // A name that nobody knows beforehand, so that nobody else's files can stand there.
        let prefix = format!("{PREFIX}{}-", std::process::id());
        let files = ModelFiles { directory: tempfile::Builder::new().prefix(&prefix).tempdir_in(place)? };
        std::fs::create_dir(files.model())?;
        std::fs::write(files.dictionary(), dictionary)?;
        for entry in std::fs::read_dir(model)? {
            let entry = entry?;
            let stand_in = files.model().join(entry.file_name());
            if entry.file_name() == "feat.params" {
                std::fs::write(stand_in, with_mean(&std::fs::read_to_string(entry.path())?))?;
            } else {
                symlink(entry.path().canonicalize()?, stand_in)?;
            }
        }
        Ok(files)
    }

    pub fn model(&self) -> PathBuf {
        self.directory.path().join("model")
    }

    pub fn dictionary(&self) -> PathBuf {
        self.directory.path().join("words.dict")
    }
}

/// Removes what processes left behind that were killed a while ago: a younger directory may be that of a process in
/// another container, whose number means nothing here. What is somebody else's stays.
fn sweep(place: &Path) {
    let is_old = |entry: &DirEntry| {
        let age = entry.metadata().and_then(|data| data.modified()).ok().and_then(|at| at.elapsed().ok());
        age.is_some_and(|age| age > LEFT_BEHIND)
    };
    for entry in std::fs::read_dir(place).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let process = name.to_str().and_then(|name| name.strip_prefix(PREFIX)?.split_once('-')?.0.parse::<u32>().ok());
        let runs = |process: u32| Path::new("/proc").join(process.to_string()).exists();
        if process.is_some_and(|process| !runs(process)) && is_old(&entry) {
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}

/// The model's settings, a line each, with the mean replaced.
fn with_mean(settings: &str) -> String {
    let others = settings.lines().filter(|line| !line.trim_start().starts_with("-cmninit"));
    others.chain([format!("-cmninit {MEAN}").as_str()]).flat_map(|line| [line, "\n"]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_setting_is_replaced() {
        let settings = "-lowerf 130\n-cmninit 41.00,-5.29\n-model ptm\n";
        assert_eq!(with_mean(settings), format!("-lowerf 130\n-model ptm\n-cmninit {MEAN}\n"));
    }

    #[test]
    fn the_directory_goes_with_its_owner() {
        let model = tempfile::tempdir().unwrap();
        std::fs::write(model.path().join("mdef"), "m").unwrap();
        std::fs::write(model.path().join("feat.params"), "-nfilt 25\n").unwrap();
        let files = ModelFiles::write(model.path(), "так T AA K\n").unwrap();
        assert_eq!(std::fs::read_to_string(files.model().join("mdef")).unwrap(), "m");
        assert_eq!(std::fs::read_to_string(files.dictionary()).unwrap(), "так T AA K\n");
        let directory = files.directory.path().to_owned();
        drop(files);
        assert!(!directory.exists());
    }

    #[test]
    fn what_a_killed_process_left_behind_is_removed() {
        let place = tempfile::tempdir().unwrap();
        // No process has a number as high (proc(5): at most 2^22).
        let ours = format!("telefonist-ears-{}-x", std::process::id());
        let long_ago = std::time::SystemTime::now() - 2 * LEFT_BEHIND;
        let names = ["telefonist-ears-4194305-x", "telefonist-ears-4194306-x", &ours, "another"];
        for (name, old) in names.into_iter().zip([true, false, true, true]) {
            let directory = place.path().join(name);
            std::fs::create_dir_all(directory.join("model")).unwrap();
            if old {
                std::fs::File::open(directory).unwrap().set_modified(long_ago).unwrap();
            }
        }
        sweep(place.path());
        assert_eq!(names.map(|name| place.path().join(name).exists()), [false, true, true, true]);
    }
}
