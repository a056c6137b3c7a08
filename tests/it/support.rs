//! The program under test, and corpora to run it on.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
pub use tests::tune;

/// The built command line, which `tests/run` builds before the tests.
pub fn program() -> PathBuf {
    let tests = std::env::current_exe().expect("a test knows where it is");
    let path = tests.ancestors().nth(2).expect("it is in target/PROFILE/deps").join("ripieno");
    assert!(path.is_file(), "{} is not built: cargo build --bins", path.display());
    path
}

/// The broker that `tests/run` started or found.
pub fn broker() -> Option<String> {
    shared::config::var("RIPIENO_TEST_BROKER")
}

/// `ripieno` with a data folder of its own.
pub fn ripieno(data: &Path) -> Command {
    let mut command = Command::new(program());
    command.arg("--data").arg(data).env_remove("RIPIENO_DATA");
    command.env_remove("RIPIENO_BROKER").env_remove("RIPIENO_STORE");
    command
}

/// Runs a command to its end; says its exit code, and its output and errors as text.
pub fn finish(command: &mut Command) -> (i32, String, String) {
    let Output { status, stdout, stderr } = command.output().expect("the program starts");
    let text = |bytes| String::from_utf8(bytes).expect("the program speaks UTF-8");
    (status.code().unwrap_or(-1), text(stdout), text(stderr))
}

/// The files that a run writes, in one string, for comparing.
pub fn tables(out: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<_> =
        fs::read_dir(out).expect("the folder is there").map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let name = |path: &Path| path.file_name().unwrap().to_string_lossy().into_owned();
    files.iter().map(|path| (name(path), fs::read(path).unwrap())).collect()
}

/// A folder of many tunes, and one that is broken.
pub fn corpus(folder: &Path, files: u64, notes: usize) {
    fs::create_dir_all(folder.join("deep")).expect("a folder can be made");
    for seed in 0..files {
        let inside = if seed % 3 == 0 { "deep/" } else { "" };
        fs::write(folder.join(format!("{inside}tune{seed:04}.abc")), tune(seed, notes))
            .expect("a file can be written");
    }
    fs::write(folder.join("broken.mid"), b"MThd\0\0").expect("a file can be written");
}
