//! The stores of other clouds. `tests/run` starts an emulator of Azure's where npm is; what Google's has in common with S3 is asked
//! of the S3-compatible store.

use crate::support::{Cluster, broker, corpus, finish, ripieno, tables};
use object_store::ObjectStoreExt;
use object_store::path::Path as Key;
use shared::store;
use std::fs;
use std::path::Path;
use std::process::Command;
use tests::files_under;

/// Sends the scores of a folder to a store.
fn send(scores: &Path, prefix: &str) {
    let (store, folder) = store::open(prefix).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    for path in files_under(scores) {
        let inside = path.strip_prefix(scores).unwrap().to_str().unwrap();
        let key = Key::parse(format!("{folder}/{inside}")).unwrap();
        runtime.block_on(store.put(&key, fs::read(&path).unwrap().into())).unwrap();
    }
}

/// The table of a run, with what a source is called inside of its `root`; and what was said.
fn table(command: &mut Command, root: &str, out: &Path) -> (String, String) {
    command.args(["run", root, "--format", "jsonl", "--progress", "none", "--out"]);
    let (code, text, errors) = finish(command.arg(out));
    assert_eq!(code, 2, "{text}{errors}");
    let table = tables(out).into_iter().find(|(name, _)| name == "table.jsonl").expect("it was asked for").1;
    (String::from_utf8(table).unwrap().replace(root, ""), text)
}

#[test]
fn azure_blob_storage_holds_scores_and_the_ledger_of_a_cluster() {
    let (Some(container), Some(broker)) = (shared::config::var("RIPIENO_TEST_AZURE"), broker()) else {
        println!("skipped: no emulator of Azure's store, or no broker (tests/run starts both)");
        return;
    };
    let home = tempfile::tempdir().unwrap();
    let scores = home.path().join("scores");
    corpus(&scores, 30, 40);
    let at = |what: &str| format!("{container}/{what}-{}", std::process::id());
    send(&scores, &at("scores"));
    let expected =
        table(&mut ripieno(&home.path().join("data")), scores.to_str().unwrap(), &home.path().join("folder"));

    let cluster = Cluster::new(&broker, home.path(), "azure").with_store(at("ledger"));
    let _worker = cluster.worker();
    let first = table(&mut cluster.command(), &at("scores"), &home.path().join("first"));
    assert_eq!(first.0, expected.0);
    // Nothing has changed: the store copies the rows.
    let second = table(&mut cluster.command(), &at("scores"), &home.path().join("second"));
    assert_eq!(second.0, expected.0);
    assert!(second.1.contains("31 from the cache"), "{}", second.1);
}

#[test]
fn scores_are_read_from_google_cloud_storage() {
    let Some(bucket) = shared::config::var("RIPIENO_TEST_GOOGLE") else {
        println!("skipped: no store that Google's XML interface can be asked of (tests/run starts one)");
        return;
    };
    let home = tempfile::tempdir().unwrap();
    let scores = home.path().join("scores");
    corpus(&scores, 30, 40);
    let prefix = format!("{bucket}/scores-{}", std::process::id());
    send(&scores, &prefix.replace("gs://", "s3://"));
    let expected =
        table(&mut ripieno(&home.path().join("data")), scores.to_str().unwrap(), &home.path().join("folder"));

    // Its XML interface lists and reads as S3 does. What it writes only if absent, an S3-compatible store does not.
    let mut command = ripieno(&home.path().join("google"));
    command.env("GOOGLE_BASE_URL", shared::config::var("AWS_ENDPOINT").unwrap());
    command.env("GOOGLE_SKIP_SIGNATURE", "true").env("GOOGLE_ALLOW_HTTP", "true");
    let found = table(&mut command, &prefix, &home.path().join("out"));
    assert_eq!(found.0, expected.0);
}
