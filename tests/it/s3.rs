//! Sources in an S3-compatible store. `tests/run` starts one and makes a bucket, whose URL it passes on.

use crate::support::{corpus, finish, ripieno, tables};
use object_store::ObjectStoreExt;
use object_store::path::Path;
use shared::store;
use std::fs;
use tests::files_under;

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_gives_the_same_table_as_a_folder() {
    let Some(bucket) = shared::config::var("RIPIENO_TEST_BUCKET") else {
        println!("skipped: no S3-compatible store (tests/run starts one)");
        return;
    };
    let home = tempfile::tempdir().unwrap();
    let scores = home.path().join("scores");
    corpus(&scores, 40, 60);
    fs::write(scores.join("a #1, 50%?.abc"), crate::support::tune(7, 30)).unwrap();
    // More than is held in memory at once, so that it goes by a file.
    fs::write(scores.join("large.abc"), crate::support::tune(9, 9 << 20)).unwrap();
    let prefix = format!("{bucket}/sources-{}", std::process::id());
    for path in files_under(&scores) {
        let inside = path.strip_prefix(&scores).unwrap().to_str().unwrap();
        let (store, folder) = store::open(&prefix).unwrap();
        let key = Path::parse(format!("{folder}/{inside}")).unwrap();
        store.put(&key, fs::read(&path).unwrap().into()).await.unwrap();
    }

    let run = |source: &str, out: &str| {
        let mut command = ripieno(&home.path().join(format!("data-{out}")));
        command.args(["run", source, "--format", "jsonl", "--progress", "none", "--out"]);
        finish(command.arg(home.path().join(out)))
    };
    let (code, text, errors) = run(scores.to_str().unwrap(), "local");
    assert_eq!(code, 2, "{text}{errors}");
    let (code, text, errors) = run(&prefix, "remote");
    assert_eq!(code, 2, "{text}{errors}");
    let shown = |out: &str, root: &str| {
        let files = tables(&home.path().join(out));
        let table = files.into_iter().find(|(name, _)| name == "table.jsonl").expect("it was asked for").1;
        String::from_utf8(table).unwrap().replace(root, "")
    };
    assert_eq!(shown("local", scores.to_str().unwrap()), shown("remote", &prefix));

    let (code, text, errors) = run(&format!("{prefix}/none.abc"), "none");
    assert!(code == 3 && errors.contains("not_found"), "{text}{errors}");
}
