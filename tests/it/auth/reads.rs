//! What the store is asked when somebody names another tenant's things: exactly what it is asked for things that nobody has, so that time
//! tells no more than the answer does.

use crate::ledger::record;
use api::scores::{Scores, Upload};
use api::service::{Pages, Service};
use futures::stream::BoxStream;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};
use shared::dispatch::{Dispatcher, Lane};
use shared::failure::Failure;
use shared::job::JobId;
use shared::ledger::Ledger;
use shared::limits::Limits;
use shared::principal::{Principal, Role, Scope};
use shared::schedule::Standing;
use std::fmt;
use std::sync::{Arc, Mutex};

/// A store in memory that notes what it is asked.
#[derive(Debug, Default)]
struct Recording {
    store: InMemory,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Recording {
    fn note(&self, what: &str, key: Option<&Path>) {
        let key = key.map(ToString::to_string).unwrap_or_default();
        self.asked.lock().unwrap().push(format!("{what} {key}"));
    }
}

impl fmt::Display for Recording {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "recording")
    }
}

#[async_trait::async_trait]
impl ObjectStore for Recording {
    async fn put_opts(&self, key: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        self.note("put", Some(key));
        self.store.put_opts(key, payload, options).await
    }

    async fn put_multipart_opts(
        &self,
        key: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.note("put", Some(key));
        self.store.put_multipart_opts(key, options).await
    }

    async fn get_opts(&self, key: &Path, options: GetOptions) -> Result<GetResult> {
        self.note(if options.head { "head" } else { "get" }, Some(key));
        self.store.get_opts(key, options).await
    }

    fn delete_stream(&self, keys: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        self.note("delete", None);
        self.store.delete_stream(keys)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.note("list", prefix);
        self.store.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.note("list", prefix);
        self.store.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.note("copy", Some(from));
        self.store.copy_opts(from, to, options).await
    }
}

fn who(tenant: &str) -> Principal {
    let (tenant, subject) = (tenant.to_owned(), "somebody".to_owned());
    Principal { tenant, subject, roles: vec![Role::Admin], scopes: Scope::ALL.to_vec() }
}

/// Everything that is done with a job, by its handle; what each is answered.
async fn of_job(service: &Service, who: &Principal, job: &str) -> Vec<Option<Failure>> {
    let job: JobId = job.parse().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let pages = Pages { cursor: None, limit: 10 };
    vec![
        service.status(who, &job).await.err(),
        service.state(who, &job).await.err(),
        service.receipts(who, &job).await.err(),
        service.cancel(who, &job).await.err(),
        service.pause(who, &job).await.err(),
        service.resume(who, &job).await.err(),
        service.prioritise(who, &job, Lane::Interactive).await.err(),
        service.retry(who, &job).await.err(),
        service.results(who, &job, folder.path(), &[]).await.err(),
        service.errors(who, &job, |_| {}).await.err(),
        service.list_items(who, &job, &pages, false).await.err(),
    ]
}

async fn of_score(scores: &Scores, who: &Principal, score: &str) -> Vec<Option<Failure>> {
    let score = score.parse().unwrap();
    vec![scores.card(who, &score).await.err(), scores.delete(who, &score).await.err()]
}

async fn of_schedule(service: &Service, who: &Principal, name: &str) -> Vec<Option<Failure>> {
    let name = name.parse().unwrap();
    vec![
        service.schedule(who, &name).await.err(),
        service.set_schedule(who, &name, Standing::Paused).await.err(),
        service.ask_schedule(who, &name).await.err(),
        service.schedule_clocks(who, &name).await.err(),
    ]
}

async fn of_upload(scores: &Scores, who: &Principal, upload: &str) -> Vec<Option<Failure>> {
    let upload = upload.parse().unwrap();
    vec![scores.upload(who, &upload).await.err(), scores.give_up_upload(who, &upload).await.err()]
}

#[tokio::test]
async fn the_store_is_asked_the_same_for_anothers_things_and_for_nobodys() {
    let recording = Recording::default();
    let asked = Arc::clone(&recording.asked);
    let ledger = Ledger::on(Arc::new(recording), "memory", None).await.unwrap();
    let limits = Limits::default();
    let service = Service::new(ledger.clone(), Dispatcher::memory()).with_limits(&limits);
    let scores = service.scores(&limits);
    let (ours, theirs) = (who("uni-a"), who("uni-b"));

    // What the other tenant has is there, and this one has something too, so that nothing is looked up for the first time.
    for tenant in [&ours, &theirs] {
        let job = JobId::from_random(&[tenant.tenant.len() as u8 + tenant.tenant.as_bytes()[4]; 16]);
        ledger.of(&tenant.tenant).accept(&record(job, 1)).await.unwrap();
    }
    let job = JobId::from_random(&[5 + b'b'; 16]);
    assert!(service.status(&theirs, &job).await.is_ok());
    let upload = Upload {
        name: "air.abc".to_owned(),
        bytes: "X:1\nK:C\nCDEF|\n".into(),
        from: String::new(),
        corpus: None,
    };
    let (card, _) = scores.import(&theirs, upload).await.unwrap();
    let begun = scores.begin_upload(&theirs, 10, "air.abc", None).await.unwrap();
    assert!(scores.upload(&theirs, &begun.id).await.is_ok());

    let seen = |name: &str| -> Vec<String> {
        let asked = std::mem::take(&mut *asked.lock().unwrap());
        asked.into_iter().map(|line| line.replace(name, "NAME")).collect()
    };
    let told = |failures: Vec<Option<Failure>>, name: &str| -> Vec<Option<String>> {
        let told = failures.into_iter().map(|failure| Some(failure?.to_string().replace(name, "NAME")));
        told.collect()
    };
    let (job, score, upload) = (job.to_string(), card.id.to_string(), begun.id.to_string());
    let unknown = |name: &str| format!("{}-{}", name.split('-').next().unwrap(), "a".repeat(16));
    seen("");
    for name in [&job, &score, &upload, "nightly"] {
        let nobodys = if name == "nightly" { "weekly".to_owned() } else { unknown(name) };
        let mut both = Vec::new();
        for name in [name, nobodys.as_str()] {
            let answers = match name.split('-').next().unwrap() {
                "job" => of_job(&service, &ours, name).await,
                "score" => of_score(&scores, &ours, name).await,
                "upload" => of_upload(&scores, &ours, name).await,
                _ => of_schedule(&service, &ours, name).await,
            };
            both.push((told(answers, name), seen(name)));
        }
        assert_eq!(both[0], both[1], "{name}");
        assert!(both[0].1.len() >= both[0].0.len().min(2), "the store was asked: {:?}", both[0].1);
        assert!(both[0].1.iter().all(|line| !line.contains("uni-b")), "{:?}", both[0].1);
    }
}
