//! What a client may name: patterns and manifest files, by the command line.

use crate::support::{corpus, finish, ripieno, tune};
use std::fs;

#[test]
fn a_pattern_gives_the_table_of_what_it_matches() {
    let home = tempfile::tempdir().unwrap();
    corpus(&home.path().join("scores"), 9, 20);
    let run = |source: &str, out: &str| {
        let mut command = ripieno(&home.path().join(format!("data-{out}")));
        command.current_dir(home.path()).args([
            "run",
            source,
            "--format",
            "csv",
            "--progress",
            "none",
            "--out",
        ]);
        let (code, text, errors) = finish(command.args([out, "--analyses", "ambitus"]));
        let table = fs::read_to_string(home.path().join(out).join("table.csv")).unwrap_or_default();
        let names = |line: &str| line.split(',').next().unwrap_or_default().to_owned();
        (code, table.lines().skip(1).map(names).collect::<Vec<_>>(), format!("{text}{errors}"))
    };
    let deep = ["scores/deep/tune0000.abc", "scores/deep/tune0003.abc", "scores/deep/tune0006.abc"];
    let (code, names, said) = run("scores/*/*.abc", "one");
    assert_eq!((code, &names[..]), (0, &deep.map(str::to_owned)[..]), "{said}");
    let (code, names, said) = run("scores/**/*000[36].abc", "none");
    assert_eq!((code, names.len()), (3, 0), "brackets are letters of names: {said}");
    let (code, names, said) = run("scores/**/{tune0004,broken}.*", "two");
    assert_eq!(
        (code, &names[..]),
        (2, &["scores/broken.mid", "scores/tune0004.abc"].map(str::to_owned)[..]),
        "{said}"
    );
}

#[test]
fn columns_of_a_manifest_come_back_and_its_bad_lines_are_failures() {
    let home = tempfile::tempdir().unwrap();
    for seed in 1..4 {
        fs::write(home.path().join(format!("{seed}.abc")), tune(seed, 20)).unwrap();
    }
    let manifest =
        "url,genre,year\n2.abc,\"reel, double\",1788\n1.abc,jig,\n,slide,1800\ngone.abc,polka,1\n3.abc\n";
    fs::write(home.path().join("corpus.csv"), manifest).unwrap();
    let run = |out: &str| {
        let mut command = ripieno(&home.path().join("data"));
        command.current_dir(home.path()).args(["run", "corpus.csv", "--format", "csv,jsonl,parquet"]);
        finish(command.args(["--progress", "none", "--analyses", "ambitus", "--out", out]))
    };
    let (code, text, errors) = run("out");
    assert_eq!(code, 2, "{text}{errors}");
    let read = |name: &str| fs::read_to_string(home.path().join("out").join(name)).unwrap();
    let table = read("table.csv");
    let mut lines = table.lines();
    let header: Vec<&str> = lines.next().unwrap().split(',').collect();
    let at = header.iter().position(|name| *name == "given_genre").expect("the column is there");
    assert_eq!(&header[at..at + 3], ["given_genre", "given_year", "ambitus_low"]);
    let lines: Vec<&str> = lines.collect();
    assert_eq!(lines.len(), 5, "{table}");
    let of = |name: &str| *lines.iter().find(|line| line.starts_with(name)).expect("it has a row");
    assert!(of("1.abc,").contains(",jig,,"), "{table}");
    assert!(of("2.abc,").contains(",\"reel, double\",1788,"), "{table}");
    assert!(of("corpus.csv:4,").contains(",slide,1800,"), "what is said of a bad line stays: {table}");
    assert!(of("gone.abc,").contains(",not_found,"), "{table}");
    let failures = read("failures.csv");
    for line in [4, 6] {
        let failure =
            failures.lines().find(|row| row.starts_with(&format!("corpus.csv:{line},0,failed,malformed,")));
        assert!(failure.is_some_and(|row| row.ends_with(&format!(",{line},1,"))), "{failures}");
    }
    let json = read("table.jsonl");
    assert!(json.lines().any(|row| row.contains("\"given\":{\"genre\":\"jig\",\"year\":null}")), "{json}");
    // What a manifest says is no part of what the cache knows, and a run after it changed says the new.
    fs::write(home.path().join("corpus.csv"), manifest.replace("jig", "slip jig")).unwrap();
    let (code, text, errors) = run("out");
    assert!(code == 2 && text.contains("2 from the cache"), "{text}{errors}");
    assert!(read("table.csv").contains(",slip jig,,"));
}
