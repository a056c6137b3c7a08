//! Sources in an S3-compatible store. `tests/run` starts one and makes a bucket, whose URL it passes on.

use crate::support::{corpus, finish, ripieno, tables, tune};
use object_store::ObjectStoreExt;
use object_store::path::Path;
use shared::store;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use tests::files_under;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// The bucket, if there is one.
fn bucket() -> Option<String> {
    let bucket = shared::config::var("RIPIENO_TEST_BUCKET");
    if bucket.is_none() {
        println!("skipped: no S3-compatible store (tests/run starts one)");
    }
    bucket
}

async fn put(prefix: &str, inside: &str, bytes: Vec<u8>) {
    let (store, folder) = store::open(prefix).unwrap();
    let key = Path::parse(format!("{folder}/{inside}")).unwrap();
    store.put(&key, bytes.into()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_gives_the_same_table_as_a_folder() {
    let Some(bucket) = bucket() else { return };
    let home = tempfile::tempdir().unwrap();
    let scores = home.path().join("scores");
    corpus(&scores, 40, 60);
    fs::write(scores.join("a #1, 50%?.abc"), tune(7, 30)).unwrap();
    // More than is held in memory at once, so that it goes by a file.
    fs::write(scores.join("large.abc"), tune(9, 9 << 20)).unwrap();
    let prefix = format!("{bucket}/sources-{}", std::process::id());
    for path in files_under(&scores) {
        let inside = path.strip_prefix(&scores).unwrap().to_str().unwrap();
        put(&prefix, inside, fs::read(&path).unwrap()).await;
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

/// Passes everything on to the store, and keeps what it was asked.
async fn listening(upstream: String) -> (String, Arc<Mutex<Vec<u8>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let asked = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&asked);
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let (upstream, heard) = (upstream.clone(), Arc::clone(&heard));
            tokio::spawn(async move {
                let server = TcpStream::connect(upstream.trim_start_matches("http://")).await.unwrap();
                let ((mut from, mut back), (mut answers, mut on)) =
                    (client.into_split(), server.into_split());
                tokio::spawn(async move { tokio::io::copy(&mut answers, &mut back).await });
                let mut buffer = vec![0; 16 << 10];
                while let Ok(read @ 1..) = from.read(&mut buffer).await {
                    heard.lock().unwrap().extend_from_slice(&buffer[..read]);
                    if on.write_all(&buffer[..read]).await.is_err() {
                        break;
                    }
                }
            });
        }
    });
    (address, asked)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_run_over_a_bucket_reads_no_score() {
    let Some(bucket) = bucket() else { return };
    let home = tempfile::tempdir().unwrap();
    let prefix = format!("{bucket}/known-{}", std::process::id());
    let mut manifest = "url,number\n".to_owned();
    for seed in 0..20 {
        put(&prefix, &format!("deep/{seed:02}.abc"), tune(seed, 30).into_bytes()).await;
        manifest.push_str(&format!("{prefix}/deep/{seed:02}.abc,{seed}\n"));
    }
    put(&prefix, "deep/no score.txt", b"x".to_vec()).await;
    fs::write(home.path().join("list.csv"), manifest).unwrap();
    let (endpoint, asked) = listening(shared::config::var("AWS_ENDPOINT").unwrap()).await;
    let run = |source: &str, out: &str| {
        asked.lock().unwrap().clear();
        let mut command = ripieno(&home.path().join("data"));
        command.env("AWS_ENDPOINT", &endpoint).args(["run", source, "--format", "csv", "--progress", "none"]);
        let (code, text, errors) =
            finish(command.args(["--analyses", "ambitus,key", "--out"]).arg(home.path().join(out)));
        assert_eq!(code, 0, "{text}{errors}");
        let table = fs::read_to_string(home.path().join(out).join("table.csv")).unwrap();
        let asked = String::from_utf8_lossy(&asked.lock().unwrap()).into_owned();
        let of_scores =
            asked.lines().filter(|line| line.starts_with("GET ") && line.contains(".abc")).count();
        let conditional =
            asked.lines().filter(|line| line.to_lowercase().starts_with("if-none-match:")).count();
        (table, of_scores, conditional, text)
    };
    let pattern = format!("{prefix}/**/*.abc");
    let (first, gets, _, _) = run(&pattern, "first");
    assert_eq!((gets, first.lines().count()), (20, 21));
    let (second, gets, _, text) = run(&pattern, "second");
    assert_eq!((gets, &second), (0, &first), "{text}");
    assert!(text.contains("20 from the cache"), "{text}");
    // One that changed is read, though it has the size that it had.
    let other = tune(7, 30).replace('A', "B");
    put(&prefix, "deep/07.abc", other.into_bytes()).await;
    let (third, gets, _, text) = run(&pattern, "third");
    assert!(gets == 1 && third != first && text.contains("19 from the cache"), "{gets} {text}");
    // A manifest file tells no marks: each is asked for, unless it is as it was, and none is sent.
    let list = home.path().join("list.csv");
    let (_, gets, conditional, text) = run(list.to_str().unwrap(), "list");
    assert!(
        gets == 20 && conditional == 20 && text.contains("20 from the cache"),
        "{gets} {conditional} {text}"
    );
    // What was not asked before is not known.
    let mut command = ripieno(&home.path().join("data"));
    command.args([
        "run",
        &pattern,
        "--format",
        "csv",
        "--progress",
        "none",
        "--analyses",
        "ambitus,summary",
        "--out",
    ]);
    let (code, text, errors) = finish(command.arg(home.path().join("more")));
    assert!(code == 0 && text.contains(" 0 from the cache"), "{text}{errors}");
}

async fn get(url: &str) -> Vec<u8> {
    let (store, key) = store::open(url).unwrap();
    store.get(&key).await.unwrap().bytes().await.unwrap().to_vec()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_goes_to_a_bucket_part_by_part() {
    let Some(bucket) = bucket() else { return };
    let home = tempfile::tempdir().unwrap();
    let book: String = (1..400).map(|number| tune(number, 100)).collect();
    fs::write(home.path().join("book.abc"), book).unwrap();
    let data = home.path().join("data");
    let prefix = format!("{bucket}/tables-{}/deep/", std::process::id());
    let (endpoint, asked) = listening(shared::config::var("AWS_ENDPOINT").unwrap()).await;
    let mut command = ripieno(&data);
    command.env("AWS_ENDPOINT", &endpoint).arg("run").arg(home.path().join("book.abc"));
    let (code, text, errors) =
        finish(command.args(["--progress", "none", "--format", "jsonl,csv,parquet", "--out", &prefix]));
    assert_eq!(code, 0, "{text}{errors}");
    assert!(text.contains(&format!("{prefix}table.jsonl")), "it says where: {text}");
    let asked = String::from_utf8_lossy(&asked.lock().unwrap()).into_owned();
    let parts = asked.lines().filter(|line| line.contains("table.jsonl?partNumber=")).count();

    let job = finish(ripieno(&data).arg("jobs")).1.split_whitespace().next().unwrap().to_owned();
    let local = home.path().join("local");
    let mut command = ripieno(&data);
    let (code, text, errors) =
        finish(command.args(["results", &job, "--format", "jsonl,csv,parquet", "--out"]).arg(&local));
    assert_eq!(code, 0, "{text}{errors}");
    for (name, bytes) in tables(&local) {
        assert!(get(&format!("{prefix}{name}")).await == bytes, "{name}");
        if name == "table.jsonl" {
            assert!(bytes.len() > 8 << 20, "it is long: {}", bytes.len());
            assert_eq!(parts, bytes.len().div_ceil(8 << 20));
        }
    }
    let mut command = ripieno(&data);
    let (code, _, errors) = finish(command.args(["results", &job, "--out", "https://127.0.0.1:1/tables"]));
    assert!(code == 3 && errors.contains("https://127.0.0.1:1/tables: table.parquet: "), "{code} {errors}");
}

/// Workers that come when there is work have empty caches.
#[tokio::test(flavor = "multi_thread")]
async fn a_night_over_a_bucket_asks_for_no_score_that_is_as_it_was() {
    let Some(bucket) = bucket() else { return };
    let home = tempfile::tempdir().unwrap();
    let (home, data) = (home.path(), home.path().join("data"));
    let prefix = format!("{bucket}/nights-{}", std::process::id());
    for seed in 0..20 {
        put(&prefix, &format!("{seed:02}.abc"), tune(seed, 30).into_bytes()).await;
    }
    let (endpoint, asked) = listening(shared::config::var("AWS_ENDPOINT").unwrap()).await;
    let mut add = ripieno(&data);
    add.args(["schedule", "add", "nightly", "--cron", "0 2 * * *", "--timezone", "UTC", "--", "run"]);
    assert_eq!(finish(add.args([&prefix, "--analyses", "ambitus,key"])).0, 0);
    let night = |date: &str| {
        // There is none in the first night.
        let _ = fs::remove_dir_all(home.join("data/cache"));
        asked.lock().unwrap().clear();
        let mut command = ripieno(&data);
        command.env("AWS_ENDPOINT", &endpoint).args(["schedule", "tick", "--at", date]);
        let (code, text, errors) = finish(&mut command);
        assert_eq!(code, 0, "{text}{errors}");
        let asked = String::from_utf8_lossy(&asked.lock().unwrap()).into_owned();
        asked.lines().filter(|line| line.starts_with("GET ") && line.contains(".abc")).count()
    };
    assert_eq!(night("2100-01-01T02:05:00Z"), 20);
    assert_eq!(night("2100-01-02T02:05:00Z"), 0);
    let other = tune(7, 30).replace('A', "B");
    put(&prefix, "07.abc", other.into_bytes()).await;
    put(&prefix, "00 new.abc", tune(33, 30).into_bytes()).await;
    assert_eq!(night("2100-01-03T02:05:00Z"), 2);
    let job = finish(ripieno(&data).arg("jobs")).1.split_whitespace().next().unwrap().to_owned();
    let table = |command: &mut std::process::Command, out: &str| {
        let (code, text, errors) = finish(command.args(["--format", "jsonl", "--out"]).arg(home.join(out)));
        assert_eq!(code, 0, "{text}{errors}");
        tables(&home.join(out))
    };
    let taken = table(ripieno(&data).args(["results", &job]), "taken");
    let mut fresh = ripieno(&home.join("other"));
    fresh.args(["run", &prefix, "--analyses", "ambitus,key", "--progress", "none"]);
    assert!(taken == table(&mut fresh, "fresh"), "the table of a run that knows nothing of before");
}

/// The rows of each job in a data folder and their details, by how many names their files have.
fn names_of_rows(data: &std::path::Path) -> Vec<(PathBuf, Vec<u64>)> {
    let jobs = fs::read_dir(data.join("ledger/tenants/local/jobs")).unwrap();
    let mut jobs: Vec<_> = jobs.map(|job| job.unwrap().path()).collect();
    jobs.sort_by_key(|job| fs::metadata(job.join("record")).unwrap().modified().unwrap());
    let links = |job: &PathBuf| {
        let folders = ["rows", "details"].map(|folder| job.join(folder));
        let rows = folders.iter().filter(|folder| folder.exists()).flat_map(|folder| files_under(folder));
        rows.map(|part| fs::metadata(&part).unwrap().nlink()).collect()
    };
    jobs.into_iter().map(|job| (job.clone(), links(&job))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_of_a_chunk_that_is_as_it_was_are_copied_by_the_store() {
    let Some(bucket) = bucket() else { return };
    let prefix = format!("{bucket}/twins-{}", std::process::id());
    for seed in 0..20 {
        put(&prefix, &format!("{seed:02}.abc"), tune(seed, 30).into_bytes()).await;
    }
    // It fails alike each time.
    put(&prefix, "20.mid", b"MThd\0\0\0\x06\0\x01".to_vec()).await;
    let key = "ab".repeat(32);
    for master in [None, Some(&key)] {
        let home = tempfile::tempdir().unwrap();
        let data = home.path().join("data");
        let run = |out: &str| {
            let mut command = ripieno(&data);
            command.envs(master.map(|key| ("RIPIENO_MASTER_KEY", key)));
            command.args(["run", &prefix, "--format", "jsonl", "--progress", "none", "--out"]);
            let (code, text, errors) = finish(command.arg(home.path().join(out)));
            assert_eq!(code, 2, "{text}{errors}");
            (tables(&home.path().join(out)), text.contains("21 from the cache"))
        };
        let (first, known) = run("first");
        assert!(!known);
        assert_eq!(run("second"), (first.clone(), true));
        let jobs = names_of_rows(&data);
        assert!(jobs.len() == 2 && jobs.iter().all(|(_, links)| *links == [2, 2]), "{jobs:?}");
        // The copy stands on its own, and is what the next one is made of.
        fs::remove_dir_all(&jobs[0].0).unwrap();
        assert_eq!(run("third"), (first.clone(), true));
        let jobs = names_of_rows(&data);
        assert!(jobs.len() == 2 && jobs.iter().all(|(_, links)| *links == [2, 2]), "{jobs:?}");
        // Where there is none any more, each score is known by itself.
        jobs.iter().for_each(|(job, _)| fs::remove_dir_all(job).unwrap());
        assert_eq!(run("fourth"), (first.clone(), true));
        assert_eq!(names_of_rows(&data).iter().map(|(_, links)| links.clone()).collect::<Vec<_>>(), [[1, 1]]);
        // What another job had under that name is not taken for it.
        if master.is_some() {
            let other = home.path().join("other");
            fs::create_dir(&other).unwrap();
            fs::write(other.join("tune.abc"), tune(77, 30)).unwrap();
            let mut command = ripieno(&data);
            command.env("RIPIENO_MASTER_KEY", &key).arg("run").arg(&other);
            assert_eq!(finish(command.args(["--progress", "none", "--out"]).arg(home.path().join("o"))).0, 0);
            let jobs = names_of_rows(&data);
            let [(bucket, _), (folder, _)] = &jobs[..] else { panic!("{jobs:?}") };
            let (theirs, ours) = (files_under(&folder.join("rows")), files_under(&bucket.join("rows")));
            fs::copy(&theirs[0], &ours[0]).unwrap();
            let mut command = ripieno(&data);
            command.env("RIPIENO_MASTER_KEY", &key).arg("results").arg(bucket.file_name().unwrap());
            let (code, _, errors) = finish(command.arg("--out").arg(home.path().join("swapped")));
            assert!(
                code != 0 && errors.contains("is damaged, or is another object in its place"),
                "{errors}"
            );
        }
    }
}
