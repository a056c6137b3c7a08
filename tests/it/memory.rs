//! What the readers take of memory, a note: `memory` of the benchmarks reads long scores of every format, each in a process of its
//! own, and ends in failure where one takes more than the goal.

use crate::support::{finish, program};
use std::process::Command;

#[test]
fn no_reader_takes_more_than_64_bytes_a_note_of_a_long_score() {
    let memory = program().with_file_name("memory");
    assert!(memory.is_file(), "{} is not built: cargo build --workspace --bins", memory.display());
    let (code, told, errors) = finish(&mut Command::new(memory));
    assert_eq!(code, 0, "{told}{errors}");
    for format in ["musicxml", "kern", "midi", "abc"] {
        let of_it = |line: &&str| line.contains(&format!("\"format\":\"{format}\""));
        let line = told.lines().find(of_it).unwrap_or_else(|| panic!("{format} in {told}"));
        assert!(line.contains("\"notes\":324000"), "all notes are read: {line}");
    }
}
