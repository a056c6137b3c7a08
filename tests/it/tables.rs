//! The tables as programs read them that nobody here wrote.

use crate::support::{corpus, finish, ripieno};
use std::process::Command;

#[test]
fn pandas_duckdb_and_polars_read_the_parquet_with_its_types_and_units() {
    let Some(python) = shared::config::var("RIPIENO_TEST_PYTHON") else {
        println!("skipped: no Python with pyarrow, duckdb and polars (tests/run installs one)");
        return;
    };
    let home = tempfile::tempdir().unwrap();
    let (scores, out) = (home.path().join("scores"), home.path().join("out"));
    corpus(&scores, 12, 40);
    let mut command = ripieno(&home.path().join("data"));
    command
        .arg("run")
        .arg(&scores)
        .args(["--format", "parquet,csv,jsonl", "--progress", "none", "--out"])
        .arg(&out);
    let (code, text, errors) = finish(&mut command);
    assert_eq!(code, 2, "{text}{errors}");
    let check = concat!(env!("CARGO_MANIFEST_DIR"), "/check_tables.py");
    let (code, text, errors) = finish(Command::new(python).arg(check).arg(&out));
    assert_eq!(code, 0, "{text}{errors}");
}
