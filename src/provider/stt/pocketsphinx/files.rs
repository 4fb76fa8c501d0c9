//! The files the library wants on disk while it runs: the dictionary of this shop's words, and the acoustic model with one
//! setting changed. The model's own settings override a program's, so a directory of links stands in for it.

use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// The mean of telephone speech as `widen` leaves it. The model starts from that of a microphone in a quiet room, and
/// would understand nothing of a caller's first sentence.
const MEAN: &str = "54.6,-14.2,1.1,7.4,-2.9,-5.7,-3.2,-4.9,-8.9,-4.4,-2.0,-5.8,3.0";

/// A directory of its own, removed at the end.
pub struct ModelFiles {
    directory: PathBuf,
}

impl ModelFiles {
    pub fn write(model: &Path, dictionary: &str) -> io::Result<ModelFiles> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let name = format!("telefonist-ears-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let files = ModelFiles { directory: std::env::temp_dir().join(name) };
        // What a killed process with the same number left behind is in the way.
        let _ = std::fs::remove_dir_all(&files.directory);
        std::fs::create_dir_all(files.model())?;
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
        self.directory.join("model")
    }

    pub fn dictionary(&self) -> PathBuf {
        self.directory.join("words.dict")
    }
}

impl Drop for ModelFiles {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.directory);
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
        let directory = files.directory.clone();
        drop(files);
        assert!(!directory.exists());
    }
}
