//! Manifest files of every kind, and what is wrong with their lines.

use super::super::walk::Walk;
use super::super::{Listing, list};
use crate::plan::{Found, More};
use shared::failure::{Failure, FailureKind};
use shared::limits::Limits;
use shared::reach::Reach;
use std::fs;
use std::path::Path;

async fn listed(folder: &Path, name: &str, text: &str, limits: &Limits) -> Result<Listing, Failure> {
    let path = folder.join(name);
    fs::write(&path, text).unwrap();
    list(&[path.to_str().unwrap().to_owned()], limits).await
}

/// Name without the folder, the values of the columns, and what is wrong.
/// Name, what is given, and line and kind of the failure.
type Shown = (String, Vec<Option<String>>, Option<(u32, FailureKind)>);

fn shown(folder: &Path, listing: &Listing) -> Vec<Shown> {
    let folder = format!("{}/", folder.display());
    let one = |found: Found| {
        let More { given, wrong, .. } = *found.more.clone().expect("a line says something");
        (found.name().replace(&folder, ""), given, wrong.map(|(line, kind, _)| (line, kind)))
    };
    listing.found.iter().map(|found| one(found.unwrap())).collect()
}

fn some(values: &[&str]) -> Vec<Option<String>> {
    values.iter().map(|value| Some((*value).to_owned()).filter(|value| !value.is_empty())).collect()
}

#[tokio::test]
async fn a_line_is_a_score_or_says_why_not() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    fs::create_dir(folder.join("deep")).unwrap();
    fs::write(folder.join("deep/a.abc"), "x").unwrap();
    let text = "\u{feff}Genre, URL ,place\nreel,deep/a.abc,\"Cork, Ireland\"\n\n,s3://bucket/b.krn,\njig,gone.mid,Sligo\n\
                jig,deep/a.abc\nslide,,Kerry\nslide,deep,Kerry\nx,ftp://host/a.mid,y\n";
    let listing = listed(folder, "m.csv", text, &Limits::default()).await.unwrap();
    assert_eq!(listing.given, ["Genre", "place"]);
    let wrong = |line, kind| Some((line, kind));
    assert_eq!(
        shown(folder, &listing),
        [
            ("deep/a.abc".into(), some(&["reel", "Cork, Ireland"]), None),
            ("gone.mid".into(), some(&["jig", "Sligo"]), None),
            ("m.csv:6".into(), some(&[]), wrong(6, FailureKind::Malformed)),
            ("m.csv:7".into(), some(&["slide", "Kerry"]), wrong(7, FailureKind::Malformed)),
            ("m.csv:8".into(), some(&["slide", "Kerry"]), wrong(8, FailureKind::Unsupported)),
            ("m.csv:9".into(), some(&["x", "y"]), wrong(9, FailureKind::Unsupported)),
            ("s3://bucket/b.krn".into(), some(&["", ""]), None),
        ]
    );
    let addresses: Vec<String> = listing.found.iter().map(|found| found.unwrap().address()).collect();
    let real = folder.canonicalize().unwrap();
    assert_eq!(addresses[0], real.join("deep/a.abc").to_str().unwrap());
    assert_eq!(addresses[6], "s3://bucket/b.krn");
}

#[tokio::test]
async fn lines_of_json_give_the_same_and_may_differ_in_what_they_say() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let text = "{\"path\":\"a.abc\",\"year\":1788}\n[1]\n\n{\"path\":\"b.abc\",\"tags\":[\"x\"],\"year\":null}\n\
                {\"year\":1}\n{\"path\":7}\n{\"path\":\"c.abc\"";
    let listing = listed(folder, "m.jsonl", text, &Limits::default()).await.unwrap();
    assert_eq!(listing.given, ["year", "tags"]);
    let malformed = |line| Some((line, FailureKind::Malformed));
    assert_eq!(
        shown(folder, &listing),
        [
            ("a.abc".into(), some(&["1788"]), None),
            ("b.abc".into(), some(&["", "[\"x\"]"]), None),
            ("m.jsonl:2".into(), some(&[]), malformed(2)),
            ("m.jsonl:5".into(), some(&[]), malformed(5)),
            ("m.jsonl:6".into(), some(&[]), malformed(6)),
            ("m.jsonl:7".into(), some(&[]), malformed(7)),
        ]
    );
}

#[tokio::test]
async fn a_score_that_is_named_again_is_counted_and_not_worked_twice() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    fs::write(folder.join("a.abc"), "x").unwrap();
    let text = "file\tn\na.abc\t2\n./a.abc\t1\na.abc\t1\nb.abc\t1\n";
    let listing = listed(folder, "m.tsv", text, &Limits::default()).await.unwrap();
    let shown = shown(folder, &listing);
    assert_eq!(shown, [("./a.abc".into(), some(&["1"]), None), ("b.abc".into(), some(&["1"]), None)]);
    assert_eq!(listing.left_out.get("named again"), Some(&2));
}

#[tokio::test]
async fn what_is_no_manifest_is_refused_with_its_line() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let small = Limits { manifest_line_bytes_max: 100, manifest_columns_max: 2, ..Limits::default() };
    let endless = format!("url\n{}\"{}", "a.abc\n".repeat(3), "x".repeat(100_000));
    let long = format!("{{\"url\":\"{}\"}}", "x".repeat(200));
    for (name, text, kind, said) in [
        ("a.csv", "", FailureKind::Malformed, "empty"),
        (
            "b.csv",
            "title,year\n",
            FailureKind::Malformed,
            "url or source or path or file; it has title, year",
        ),
        ("c.csv", "url,x,x\n", FailureKind::Malformed, "two columns are called \"x\""),
        ("d.csv", "url,x,y,z\n", FailureKind::Malformed, "manifest_columns_max = 2"),
        ("e.csv", &endless, FailureKind::TooLarge, "manifest_line_bytes_max = 100"),
        ("f.jsonl", &long, FailureKind::TooLarge, "manifest_line_bytes_max = 100"),
    ] {
        let failure = listed(folder, name, text, &small).await.unwrap_err();
        assert_eq!(failure.kind, kind, "{name}: {failure}");
        assert!(failure.message.contains(said) && failure.place.is_some(), "{name}: {failure}");
    }
    let failure = listed(folder, "e.csv", &endless, &small).await.unwrap_err();
    assert_eq!(failure.place.and_then(shared::place::Place::line_column), Some((5, 1)), "{failure}");
}

#[tokio::test]
async fn a_manifest_of_a_store_names_no_files_of_this_machine() {
    let folder = tempfile::tempdir().unwrap();
    let manifest = super::Manifest {
        name: "s3://bucket/lists/m.csv",
        root: std::sync::Arc::new(crate::plan::Root { name: String::new(), address: String::new() }),
        line_bytes_max: 100,
    };
    let (reach, limits) = (Reach::everything(), Limits::default());
    let walk = Walk::new(Found::by_name, &reach, &limits);
    for source in ["/etc/passwd", "../x.abc", "a/../../x.abc", "file:///etc/passwd"] {
        assert_eq!(
            manifest.resolved(source, &walk).err().map(|wrong| wrong.0),
            Some(FailureKind::Denied),
            "{source}"
        );
    }
    let name = |source| manifest.resolved(source, &walk).ok().map(|resolved| resolved.name);
    assert_eq!(name("deep/50%.abc").as_deref(), Some("s3://bucket/lists/deep/50%25.abc"));
    assert_eq!(name("gs://other/a.abc").as_deref(), Some("gs://other/a.abc"));
    // A folder by its URL is a folder of this machine already.
    fs::write(folder.path().join("m.csv"), "url\na.abc\n").unwrap();
    let url = format!("file://{}/m.csv", folder.path().display());
    let listing = list(std::slice::from_ref(&url), &Limits::default()).await.unwrap();
    assert_eq!(listing.found.iter().next().unwrap().unwrap().address(), url.replace("m.csv", "a.abc"));
}
