//! Encryption of what rests: after whole runs nothing of a score is to be found in any file, and the tables are the same; keys
//! are changed while fronts run; an erased tenant is gone.

use crate::auth::keys::{ask, key};
use crate::http::server::{Answer, PATIENCE, Server};
use crate::support::{Queues, broker, finish, program, ripieno, tables};
use bytes::Bytes;
use futures::TryStreamExt;
use object_store::ObjectStoreExt;
use serde_json::{Value, json};
use shared::job::Item;
use shared::ledger::Ledger;
use shared::limits::Limits;
use shared::reach::Reach;
use shared::store::Stores;
use shared::vault::{Master, MasterKeys};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tests::files_under;
use worker::fetch::fetch;

const MASTER: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
const NEWER: &str = "ffeeddccbbaa99887766554433221100ffeeddccbbaa99887766554433221100";

/// Texts of the scores, too long to be met by chance: title, composer, lyrics, an annotation, the name of a file.
const NEEDLES: [&str; 5] = ["Quagmire Lament", "Brandywine", "xylophonous", "misterioso", "hushed-tune"];

/// Scores whose text is easily told from others.
fn scores(folder: &Path) -> PathBuf {
    let folder = folder.join("scores");
    fs::create_dir_all(&folder).unwrap();
    for number in 0..12 {
        fs::write(folder.join(format!("hushed-tune-{number}.abc")), score(number)).unwrap();
    }
    folder
}

fn score(number: usize) -> String {
    let bar = "\"Em7\"E2 \"^misterioso\"G2 \"A7\"A2 B2 |";
    format!(
        "X:1\nT:Quagmire Lament {number}\nC:Brandywine\nM:4/4\nL:1/8\nK:Em\n{}\nw: xy-lo-phon-ous xylophonous {number}\n",
        bar.repeat(8 + number)
    )
}

/// A place where a front works for tenants, with a worker inside or beside it.
struct Site {
    home: PathBuf,
    store: Option<String>,
    master: Option<&'static str>,
    worker: Option<Worker>,
    /// After the worker: it would make them again.
    queues: Option<Queues>,
}

/// A worker of a cluster, which ends in good order.
struct Worker(Child);

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = Command::new("kill").args(["-TERM", &self.0.id().to_string()]).status();
        let _ = self.0.wait();
    }
}

impl Site {
    fn embedded(home: &Path, master: Option<&'static str>) -> Self {
        fs::create_dir_all(home.join("tmp")).unwrap();
        Site { home: home.to_owned(), store: None, master, worker: None, queues: None }
    }

    fn cluster(home: &Path, store: String, master: Option<&'static str>) -> Self {
        let name = if master.is_some() { "sealed" } else { "open" };
        let queues = Queues::new(&broker().expect("a broker"), name);
        let mut site = Site { store: Some(store), queues: Some(queues), ..Site::embedded(home, master) };
        let mut worker = Command::new(program().with_file_name("ripieno-worker"));
        site.surround(&mut worker);
        site.worker = Some(Worker(worker.stderr(site.log()).spawn().expect("the worker starts")));
        site
    }

    fn log(&self) -> Stdio {
        File::options().create(true).append(true).open(self.home.join("log")).unwrap().into()
    }

    fn surround(&self, command: &mut Command) {
        command.env("RIPIENO_AUTH", "keys").env("RIPIENO_LOG", "info").env("TMPDIR", self.home.join("tmp"));
        command.env("RIPIENO_SOURCES", self.home.parent().unwrap()).env_remove("RIPIENO_SERVER");
        match self.master {
            Some(master) => command.env("RIPIENO_MASTER_KEY", master),
            None => command.env_remove("RIPIENO_MASTER_KEY"),
        };
        if let (Some(store), Some(queues)) = (&self.store, &self.queues) {
            command.env("RIPIENO_BROKER", &queues.uri).env("RIPIENO_STORE", store);
            command.env("RIPIENO_QUEUES", &queues.prefix).env("RIPIENO_CACHE", self.home.join("cache"));
        }
    }

    fn front(&self) -> Server {
        Server::start_with(&self.home.join("data"), |command| {
            self.surround(command);
            command.stderr(self.log());
        })
    }

    fn command(&self, arguments: &[&str]) -> (i32, String, String) {
        let mut command = ripieno(&self.home.join("data"));
        self.surround(&mut command);
        finish(command.args(arguments))
    }

    fn key(&self, tenant: &str) -> String {
        if self.store.is_none() {
            return key(&self.home.join("data"), tenant, "curator", &[]);
        }
        let (code, key, errors) =
            self.command(&["keys", "add", "test", "--tenant", tenant, "--role", "curator"]);
        assert_eq!(code, 0, "{errors}");
        key.trim().to_owned()
    }

    /// Everything that rests: files of this place, and objects of its store.
    async fn rests(&self) -> Vec<(String, Vec<u8>)> {
        let files = files_under(&self.home);
        let mut all: Vec<_> = files
            .iter()
            .map(|path| (path.display().to_string(), fs::read(path).unwrap_or_default()))
            .collect();
        if let Some(store) = self.store.as_ref().filter(|store| !store.starts_with("file:")) {
            let (store, prefix) = shared::store::open(store).unwrap();
            let listed: Vec<_> = store.list(Some(&prefix)).try_collect().await.unwrap();
            for meta in listed {
                let bytes = store.get(&meta.location).await.unwrap().bytes().await.unwrap();
                all.push((meta.location.to_string(), bytes.to_vec()));
            }
        }
        all
    }
}

fn has(bytes: &[u8], needle: &str) -> bool {
    bytes.windows(needle.len()).any(|window| window == needle.as_bytes())
}

fn done(front: &Server, key: &str, body: &Value) -> String {
    let answer = ask(front, key, "POST", "/v1/jobs", &body.to_string());
    assert_eq!(answer.status, 202, "{}", answer.text());
    let job = answer.json()["id"].as_str().unwrap().to_owned();
    let until = Instant::now() + PATIENCE;
    while ask(front, key, "GET", &format!("/v1/jobs/{job}?wait=20"), "").json()["state"] != "finished" {
        assert!(Instant::now() < until, "{job} does not end");
    }
    job
}

fn table(front: &Server, key: &str, job: &str, format: &str) -> Answer {
    ask(front, key, "GET", &format!("/v1/jobs/{job}/results?format={format}"), "")
}

/// Uploads, jobs, results, a schedule, and an upload that is never ended; says the tables.
fn work(front: &Server, key: &str, scores: &Path) -> Vec<Vec<u8>> {
    let bearer = format!("Bearer {key}");
    let send = |method: &str, path: &str, more: &[(&str, &str)], body: &str| {
        let mut headers = vec![("Authorization", bearer.as_str())];
        headers.extend(more);
        front.ask(method, path, &headers, body)
    };
    let plain = [("Content-Type", "application/octet-stream")];
    for number in [20, 21] {
        let path = format!("/v1/scores?name=hushed-tune-{number}.abc&corpus=tunes");
        let sent = send("POST", &path, &plain, &score(number));
        assert_eq!(sent.status, 201, "{}", sent.text());
    }
    // More than a segment, and more than is held in memory: it comes back whole.
    let large = score(22).repeat(40_000);
    let sent = send("POST", "/v1/uploads", &[("Tus-Resumable", "1.0.0"), ("Upload-Length", "1000000")], "");
    assert_eq!(sent.status, 201, "{}", sent.text());
    let place = sent.header("location").to_owned();
    let place = place.find("/v1/").map_or(place.as_str(), |from| &place[from..]);
    let piece = [
        ("Tus-Resumable", "1.0.0"),
        ("Upload-Offset", "0"),
        ("Content-Type", "application/offset+octet-stream"),
    ];
    let sent = send("PATCH", place, &piece, &large[..100_000]);
    assert_eq!((sent.status, sent.header("upload-offset")), (204, "100000"), "{}", sent.text());
    let job = json!({ "sources": [scores.join("hushed-tune-1.abc")], "analyses": ["key"] });
    let schedule = json!({ "name": "nightly", "cron": "0 2 1 1 *", "job": job });
    let made = ask(front, key, "POST", "/v1/schedules", &schedule.to_string());
    assert_eq!(made.status, 201, "{}", made.text());

    let asked = ["annotations", "chords", "ambitus"];
    let mut all = Vec::new();
    for body in
        [json!({ "sources": [scores], "analyses": asked }), json!({ "corpus": "tunes", "analyses": asked })]
    {
        let job = done(front, key, &body);
        for format in ["jsonl", "csv", "parquet", "failures"] {
            let answer = table(front, key, &job, format);
            assert_eq!(answer.status, 200, "{}", answer.text());
            all.push(answer.body);
        }
    }
    assert!(
        has(&all[0], "Quagmire Lament 3") && has(&all[4], "Quagmire Lament 21"),
        "they tell of the scores"
    );
    all
}

/// What of the needles rests where.
async fn found(site: &Site) -> Vec<(&'static str, String)> {
    let all = site.rests().await;
    let of = |needle: &'static str| {
        let holding = all.iter().filter(move |(_, bytes)| has(bytes, needle));
        holding.map(move |(name, _)| (needle, name.clone()))
    };
    NEEDLES.into_iter().flat_map(of).collect()
}

/// A whole run; says its tables, and what was found afterwards of its scores.
async fn whole(mut site: Site, scores: &Path) -> (Vec<Vec<u8>>, Vec<(&'static str, String)>) {
    let mut front = site.front();
    let key = site.key("uni-a");
    let all = work(&front, &key, scores);
    let running = found(&site).await;
    front.signal("-TERM");
    front.end();
    drop(site.worker.take());
    let mut ended = found(&site).await;
    let secret = key.rsplit('_').next().unwrap();
    let rests = site.rests().await;
    assert!(rests.len() > 30, "it was looked through: {}", rests.len());
    for (name, bytes) in &rests {
        assert!(!has(bytes, secret), "{name} has an API key");
        assert!(!has(bytes, MASTER) && !has(bytes, NEWER), "{name} has a master key");
    }
    ended.extend(running);
    (all, ended)
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_a_score_is_in_any_file_of_a_sealed_run_and_its_tables_are_the_same() {
    let home = tempfile::tempdir().unwrap();
    let scores = scores(home.path());
    let (open, there) = whole(Site::embedded(&home.path().join("open"), None), &scores).await;
    for needle in NEEDLES {
        assert!(there.iter().any(|(found, _)| *found == needle), "{needle} is found where nothing is sealed");
    }
    for place in ["/ledger/", "/cache/", "/scores/", "/uploads/", "/schedules/"] {
        assert!(there.iter().any(|(_, name)| name.contains(place)), "{place} holds some of it");
    }
    let (sealed, there) = whole(Site::embedded(&home.path().join("sealed"), Some(MASTER)), &scores).await;
    assert_eq!(there, Vec::new());
    assert!(open == sealed, "the tables are the same");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_a_score_is_in_the_store_and_caches_of_a_sealed_cluster() {
    if broker().is_none() {
        println!("skipped: no broker (tests/run starts one)");
        return;
    }
    let home = tempfile::tempdir().unwrap();
    let scores = scores(home.path());
    let bucket = shared::config::var("RIPIENO_TEST_BUCKET");
    let site = |name: &str, master| {
        let store = match &bucket {
            Some(bucket) => format!("{bucket}/sealed-{name}-{}", std::process::id()),
            None => format!("file://{}", home.path().join(name).join("store").display()),
        };
        Site::cluster(&home.path().join(name), store, master)
    };
    let (open, there) = whole(site("open", None), &scores).await;
    for needle in NEEDLES {
        assert!(there.iter().any(|(found, _)| *found == needle), "{needle} is found where nothing is sealed");
    }
    let (sealed, there) = whole(site("sealed", Some(MASTER)), &scores).await;
    assert_eq!(there, Vec::new());
    assert!(open == sealed, "the tables are the same");
}

#[test]
fn the_tables_of_a_command_are_the_same_and_its_second_run_computes_nothing() {
    let home = tempfile::tempdir().unwrap();
    let scores = scores(home.path());
    let mut all = Vec::new();
    for (name, master) in [("open", None), ("sealed", Some(MASTER))] {
        let site = Site::embedded(&home.path().join(name), master);
        for out in ["first", "second"] {
            let out = site.home.join(out);
            let (scores, path) = (scores.to_str().unwrap(), out.to_str().unwrap());
            let (code, text, errors) = site.command(&[
                "run",
                scores,
                "--format",
                "parquet,csv,jsonl",
                "--progress",
                "none",
                "--out",
                path,
            ]);
            let known = if path.ends_with("second") { 12 } else { 0 };
            assert!(code == 0 && text.contains(&format!("12, {known} from the cache")), "{text}{errors}");
            all.push(tables(&out));
        }
    }
    assert!(all.windows(2).all(|two| two[0] == two[1]));
}

#[test]
fn a_store_that_is_sealed_is_not_opened_without_its_master_key() {
    let home = tempfile::tempdir().unwrap();
    let scores = scores(home.path());
    let site = Site::embedded(&home.path().join("data"), Some(MASTER));
    let out = home.path().join("out");
    let (code, text, errors) = site.command(&[
        "run",
        scores.to_str().unwrap(),
        "--out",
        out.to_str().unwrap(),
        "--progress",
        "none",
    ]);
    assert_eq!(code, 0, "{text}{errors}");
    let (code, text, errors) = site.command(&["doctor"]);
    assert!(text.contains("ok    keys      those of 1 tenants open"), "{code} {text}{errors}");
    for (master, said) in [(None, "holds sealed objects"), (Some(NEWER), "wrong master key")] {
        let site = Site { master, ..Site::embedded(&site.home, None) };
        for command in ["jobs", "doctor"] {
            let (code, text, errors) = site.command(&[command]);
            let told = format!("{text}{errors}");
            assert!(code == 3 && told.contains(said) && told.contains("RIPIENO_MASTER_KEY"), "{code} {told}");
        }
    }
    let wrong = Site { master: Some("not a key"), ..Site::embedded(&site.home, None) };
    let (code, _, errors) = wrong.command(&["jobs"]);
    assert!(
        code == 1 && errors.contains("64 hexadecimal digits") && !errors.contains("not a key"),
        "{errors}"
    );
}

#[test]
fn keys_are_changed_under_a_running_front_and_what_was_written_stays_readable() {
    let home = tempfile::tempdir().unwrap();
    let scores = scores(home.path());
    let mut site = Site::embedded(&home.path().join("site"), Some(MASTER));
    let mut front = site.front();
    let key = site.key("uni-a");
    let body = json!({ "sources": [scores], "analyses": ["ambitus"] });
    let before = done(&front, &key, &body);
    let (code, text, errors) = site.command(&["tenant", "rekey", "uni-a"]);
    assert!(code == 0 && text.contains("has 2 keys"), "{text}{errors}");
    let after = done(&front, &key, &body);
    let csv = |front: &Server, job: &str| table(front, &key, job, "csv").body;
    assert_eq!(csv(&front, &before), csv(&front, &after));
    front.signal("-TERM");
    front.end();

    site.master = Some(concat!(
        "ffeeddccbbaa99887766554433221100ffeeddccbbaa99887766554433221100,",
        "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
    ));
    let (code, text, errors) = site.command(&["tenant", "rewrap"]);
    assert!(code == 0 && text.contains("keys of 1 tenants wrapped anew"), "{text}{errors}");
    let (_, records, _) = site.command(&["audit", "export", "local"]);
    assert!(records.contains("\"tenant rewrap\""), "{records}");
    site.master = Some(NEWER);
    let (_, listed, _) = site.command(&["tenant", "list"]);
    assert!(listed.contains("uni-a ") && listed.contains("2 keys"), "{listed}");
    let front = site.front();
    assert_eq!(csv(&front, &before), csv(&front, &after));
    site.master = Some(MASTER);
    assert_eq!(site.command(&["jobs"]).0, 3, "the old master key opens nothing any more");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erased_tenant_is_gone_also_from_copies_and_begins_anew() {
    let home = tempfile::tempdir().unwrap();
    let scores = scores(home.path());
    let site = Site::embedded(&home.path().join("site"), Some(MASTER));
    let front = site.front();
    let (key, other) = (site.key("uni-a"), site.key("uni-b"));
    let body = json!({ "sources": [scores], "analyses": ["ambitus"] });
    let (job, kept) = (done(&front, &key, &body), done(&front, &other, &body));
    let ledger = site.home.join("data/ledger");
    let copied: Vec<_> = files_under(&ledger.join("tenants/uni-a"))
        .into_iter()
        .filter(|path| !path.to_string_lossy().contains("/audit/"))
        .map(|path| (path.clone(), fs::read(&path).unwrap()))
        .collect();
    assert!(copied.len() > 3);

    let (code, _, errors) = site.command(&["tenant", "erase", "uni-a"]);
    assert!(code == 1 && errors.contains("--yes"), "{errors}");
    assert_eq!(table(&front, &key, &job, "csv").status, 200);
    let (code, text, errors) = site.command(&["tenant", "erase", "uni-a", "--yes"]);
    assert!(code == 0 && text.contains("its keys are destroyed"), "{text}{errors}");
    // Whoever kept a copy of every object, or has one in a backup, has nothing.
    for (path, bytes) in &copied {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    let path = format!("/v1/jobs/{job}");
    let until = Instant::now() + PATIENCE;
    let gone = loop {
        let answer = ask(&front, &key, "GET", &path, "");
        if answer.status == 404 {
            break answer;
        }
        assert!(Instant::now() < until, "the front still tells of it: {}", answer.text());
        std::thread::sleep(Duration::from_millis(100));
    };
    let never = ask(&front, &key, "GET", "/v1/jobs/job-aaaaaaaaaaaaaaaa", "");
    assert_eq!(gone.text().replace(&job, "job-aaaaaaaaaaaaaaaa"), never.text(), "as one that never was");
    assert_eq!(ask(&front, &key, "GET", "/v1/jobs", "").json()["jobs"], json!([]));
    assert_eq!(table(&front, &key, &job, "csv").status, 404);
    assert_eq!(table(&front, &other, &kept, "csv").status, 200, "the other tenant's stays");
    assert_eq!(site.command(&["status", &job]).0, 3);

    let again = done(&front, &key, &body);
    assert_eq!(table(&front, &key, &again, "csv").body, table(&front, &other, &kept, "csv").body);
    assert_eq!(ask(&front, &key, "GET", &path, "").status, 404, "the new key opens nothing of before");
    let (code, records, _) = site.command(&["audit", "export", "uni-a"]);
    assert!(code == 0 && records.contains("\"tenant erase\"") && records.contains("submit_job"), "{records}");
    assert_eq!(site.command(&["audit", "verify", "uni-a"]).0, 0);
    let (_, listed, _) = site.command(&["tenant", "list"]);
    assert!(listed.contains("after it was erased"), "{listed}");
}

/// What was written before there was a key is read with one; what is written after that is sealed.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_there_before_the_key_stays_and_is_read() {
    let home = tempfile::tempdir().unwrap();
    let scores = scores(home.path());
    let mut site = Site::embedded(&home.path().join("site"), None);
    let out = |name: &str| home.path().join(name).to_str().unwrap().to_owned();
    let run = |site: &Site, name: &str| {
        let (scores, out) = (scores.to_str().unwrap(), out(name));
        let (code, text, errors) = site.command(&["run", scores, "--progress", "none", "--out", &out]);
        assert_eq!(code, 0, "{text}{errors}");
    };
    run(&site, "before");
    let (_, jobs, _) = site.command(&["jobs"]);
    let job = jobs.split_whitespace().find(|word| word.starts_with("job-")).unwrap();
    let objects = files_under(&site.home.join("data/ledger/tenants/local"));
    site.master = Some(MASTER);
    let (code, text, errors) = site.command(&["results", job, "--out", &out("again")]);
    assert_eq!(code, 0, "{text}{errors}");
    run(&site, "after");
    let all = ["before", "again", "after"].map(|name| tables(&home.path().join(name)));
    assert!(all[0] == all[1] && all[0] == all[2]);
    let (mut sealed, mut empty) = (0, 0);
    for path in files_under(&site.home.join("data/ledger/tenants/local")) {
        if objects.contains(&path) {
            continue;
        }
        let bytes = fs::read(&path).unwrap();
        let is = bytes.starts_with(b"\xC1RIPSEA1");
        assert!(is || bytes.is_empty(), "{} is not sealed", path.display());
        (sealed, empty) = (sealed + u32::from(is), empty + u32::from(bytes.is_empty()));
    }
    assert!(sealed > 3 && empty > 0, "{sealed} and {empty}");
}

/// A process that works apart has a tenant's keys and no master key: it opens uploaded scores of any size, and those only.
#[tokio::test(flavor = "multi_thread")]
async fn whoever_works_apart_opens_uploaded_scores_of_any_size() {
    let home = tempfile::tempdir().unwrap();
    let master = || Some(Arc::new(MasterKeys::read(MASTER).unwrap()) as Arc<dyn Master>);
    let mut ledgers = vec![Ledger::in_folder_with(home.path(), master()).await.unwrap()];
    match shared::config::var("RIPIENO_TEST_BUCKET") {
        Some(bucket) => {
            let url = format!("{bucket}/apart-{}", std::process::id());
            ledgers.push(Ledger::at_url_with(&url, master()).await.unwrap());
        }
        None => println!("skipped: no S3-compatible store (tests/run starts one)"),
    }
    let limits = Limits { spool_bytes_max: 1 << 20, ..Limits::default() };
    for ledger in ledgers {
        let (ours, others) = (ledger.of("uni-a"), ledger.of("uni-b"));
        for length in [0, 100, 64 << 10, (3 << 20) + 5] {
            let bytes: Bytes = (0..length).map(|index: u32| index.to_be_bytes()[2]).collect();
            let digest = blake3::hash(&bytes).to_hex().to_string();
            ours.write_score(&digest, bytes.clone()).await.unwrap();
            others.write_score(&digest, bytes.clone()).await.unwrap();
            assert_eq!(ours.score_bytes(&digest).await.unwrap(), bytes);
            let handout = ours.handout().await.unwrap().unwrap();
            let apart = Ledger::handed("uni-a", &handout).unwrap();
            let reach = Reach::of("uni-a").unwrap().with(&ours.scores_place()).unwrap();
            let reach = reach.with_sealed_scores(apart.clone());
            let item = Item::alone("a".to_owned(), ours.score_address(&digest), 0);
            let arrived = fetch(&item, &reach, &Stores::default(), &limits).await.unwrap();
            let loaded = arrived.load(&limits).unwrap();
            assert_eq!(loaded.digest(), digest, "{length}");
            assert!(apart.of("uni-b").score_bytes(&digest).await.is_err(), "another tenant's");
        }
    }
}
