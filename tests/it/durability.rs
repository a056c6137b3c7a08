//! What was accepted survives a power cut: each file of the ledger, and each folder on the way to it, is synchronised
//! before a word is said of it. Seen from the system calls, for a power cut cannot be had.

use crate::support::{corpus, program};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const CALLS: &str =
    "trace=fsync,fdatasync,link,linkat,rename,renameat,renameat2,mkdir,mkdirat,write,pwrite64";

/// What is written and would be lost now.
#[derive(Default)]
struct Disk {
    /// Files with bytes that were not synchronised.
    files: BTreeSet<PathBuf>,
    /// Names whose folders were not synchronised.
    names: BTreeSet<PathBuf>,
    named: usize,
}

impl Disk {
    fn named(&mut self, path: &Path) {
        self.names.insert(path.to_owned());
        self.named += 1;
    }

    /// Takes a call that succeeded. `home` is what counts.
    fn call(&mut self, call: &str, home: &Path) {
        let (name, arguments) = call.split_once('(').expect("a call has arguments");
        let open =
            arguments.split_once('<').and_then(|(_, rest)| Some(PathBuf::from(rest.split_once('>')?.0)));
        let quoted = || arguments.split('"').skip(1).step_by(2).map(PathBuf::from).collect::<Vec<_>>();
        match (name, open, &quoted()[..]) {
            ("write" | "pwrite64", Some(path), _) if path.starts_with(home) => {
                self.files.insert(path);
            }
            ("fsync" | "fdatasync", Some(path), _) => {
                self.files.remove(&path);
                self.names.retain(|name| name.parent() != Some(&path));
            }
            ("mkdir" | "mkdirat", _, [path]) if path.starts_with(home) => self.named(path),
            (_, _, [from, to]) if to.starts_with(home) => {
                assert!(
                    !self.files.contains(from),
                    "{} got its name before its bytes were safe",
                    to.display()
                );
                self.named(to);
            }
            _ => {}
        }
    }
}

/// The calls of a trace that succeeded, in the order in which they ended.
fn calls(trace: &str) -> Vec<String> {
    let mut begun: BTreeMap<&str, &str> = BTreeMap::new();
    let mut calls = Vec::new();
    for line in trace.lines() {
        let Some((process, text)) = line.split_once(' ') else { continue };
        let text = text.trim_start();
        if let Some(first) = text.strip_suffix(" <unfinished ...>") {
            begun.insert(process, first);
            continue;
        }
        let whole = match text.split_once(" resumed>") {
            Some((_, rest)) => begun.remove(process).unwrap_or_default().to_owned() + rest,
            None => text.to_owned(),
        };
        let failed = whole.rsplit_once(" = ").is_none_or(|(_, result)| result.starts_with(['-', '?']));
        if whole.contains('(') && !failed {
            calls.push(whole);
        }
    }
    calls
}

#[test]
fn nothing_is_said_of_a_job_before_all_of_it_is_on_the_disk() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path().canonicalize().unwrap();
    corpus(&home.join("scores"), 3, 20);
    let (trace, data) = (home.join("trace"), home.join("new/data"));
    let mut command = Command::new("strace");
    command.args(["-f", "-y", "-s", "200", "-e", CALLS, "-o"]).arg(&trace).arg(program());
    command.arg("--data").arg(&data).arg("run").arg(home.join("scores"));
    match command.args(["--progress", "json", "--out"]).arg(home.join("out")).output() {
        Ok(output) if output.status.code() == Some(2) => {}
        other => return println!("skipped: strace cannot trace here: {other:?}"),
    }
    let (ledger, out) = (data.join("ledger"), home.join("out"));
    // The cache is disposable; the folders on the way to the others are not.
    let counts = |name: &Path| {
        [&ledger, &out].iter().any(|folder| folder.starts_with(name) || name.starts_with(folder))
    };
    let mut disk = Disk::default();
    let mut said = Vec::new();
    for call in calls(&fs::read_to_string(&trace).unwrap()) {
        disk.call(&call, &home);
        for event in ["accepted", "finished"] {
            if call.starts_with("write(1<") && call.contains(&format!("\\\"event\\\":\\\"{event}\\\"")) {
                let lost: Vec<_> = disk.names.iter().filter(|name| counts(name)).collect();
                assert!(lost.is_empty(), "{lost:?} could be lost when {event:?} is said");
                said.push(event);
            }
        }
    }
    assert_eq!(said, ["accepted", "finished"]);
    assert!(disk.named > 15, "the trace shows files and folders being named: {}", disk.named);
}
