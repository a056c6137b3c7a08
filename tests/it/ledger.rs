//! The ledger's promises, on a local folder and, where one is running, on an S3-compatible store.

use shared::dispatch::Lane;
use shared::failure::FailureKind;
use shared::job::{Chunk, JobId, Record, Request, Wish};
use shared::ledger::{Created, Ledger};
use shared::receipt::{Finished, Receipt, RowParts, Totals};
use shared::wire::WIRE_VERSION;
use std::collections::BTreeMap;

/// A ledger in a folder, and one in the store that `tests/run` started.
async fn ledgers(folder: &std::path::Path, name: &str) -> Vec<Ledger> {
    let mut ledgers = vec![Ledger::in_folder(folder).await.unwrap()];
    match shared::config::var("RIPIENO_TEST_BUCKET") {
        Some(bucket) => {
            ledgers.push(Ledger::at_url(&format!("{bucket}/{name}-{}", std::process::id())).await.unwrap())
        }
        None => println!("skipped: no S3-compatible store (tests/run starts one)"),
    }
    ledgers
}

fn id(letter: u8) -> JobId {
    JobId::from_random(&[letter; 16])
}

pub(crate) fn record(id: JobId, chunks: u32) -> Record {
    let request = Request {
        sources: vec!["scores".into()],
        analyses: vec![],
        fidelity: "corrected".into(),
        strict: false,
        repeats: "written".into(),
        midi_grid: Vec::new(),
        midi_parts: None,
        given: Vec::new(),
    };
    Record {
        version: WIRE_VERSION,
        id,
        created_ms: 1,
        engine: "0".into(),
        request,
        submission: "s".into(),
        items: 1,
        bytes: 1,
        chunks,
        left_out: BTreeMap::new(),
        lane: Lane::Bulk,
        window: 4,
        retries: None,
        before: None,
    }
}

fn receipt(chunk: u32, worked_ms: u64) -> Receipt {
    Receipt {
        version: WIRE_VERSION,
        chunk,
        engine: "0".into(),
        worked_ms,
        cpu_ms: 1,
        rows: RowParts::default(),
        made_by: String::new(),
        outcomes: vec![],
    }
}

#[tokio::test]
async fn a_job_is_accepted_once_and_active_until_it_is_finished() {
    let folder = tempfile::tempdir().unwrap();
    for ledger in ledgers(folder.path(), "accept").await {
        let record = record(id(1), 2);
        assert_eq!(ledger.record(&record.id).await.unwrap_err().kind, FailureKind::NotFound);
        ledger.write_chunk(&record.id, 0, &Chunk { version: WIRE_VERSION, items: vec![] }).await.unwrap();
        assert!(ledger.records().await.unwrap().is_empty(), "chunks alone make no job");
        assert_eq!(ledger.accept(&record).await.unwrap(), Created::First);
        assert_eq!(ledger.accept(&record).await.unwrap(), Created::Already);
        assert_eq!(ledger.active().await.unwrap(), std::slice::from_ref(&record));
        assert_eq!(ledger.records().await.unwrap(), std::slice::from_ref(&record));

        let finished =
            Finished { version: WIRE_VERSION, at_ms: 5, cancelled: false, totals: Totals::default() };
        assert_eq!(ledger.write_end(&record.id, &finished).await.unwrap(), Created::First);
        assert_eq!(
            ledger.write_end(&record.id, &Finished { at_ms: 9, ..finished.clone() }).await.unwrap(),
            Created::Already
        );
        assert_eq!(ledger.finished(&record.id).await.unwrap(), Some(finished));
        assert_eq!(ledger.active().await.unwrap().len(), 1, "until what it came to is counted");
        ledger.leave_active(&record.id).await.unwrap();
        assert!(ledger.active().await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn the_first_receipt_of_a_chunk_counts() {
    let folder = tempfile::tempdir().unwrap();
    for ledger in ledgers(folder.path(), "receipts").await {
        let job = id(2);
        for chunk in [7, 0, 12] {
            assert_eq!(ledger.write_receipt(&job, &receipt(chunk, 1)).await.unwrap(), Created::First);
            assert_eq!(ledger.write_receipt(&job, &receipt(chunk, 2)).await.unwrap(), Created::Already);
        }
        assert_eq!(ledger.receipts(&job).await.unwrap(), [0, 7, 12], "in order");
        assert_eq!(ledger.receipt(&job, 7).await.unwrap(), Some(receipt(7, 1)));
        assert!(ledger.has_receipt(&job, 12).await.unwrap() && !ledger.has_receipt(&job, 1).await.unwrap());
    }
}

#[tokio::test]
async fn of_fifty_writers_at_once_one_is_first() {
    let folder = tempfile::tempdir().unwrap();
    for ledger in ledgers(folder.path(), "race").await {
        let job = id(3);
        let writers: Vec<_> = (0..50)
            .map(|writer| {
                let (ledger, job) = (ledger.clone(), job.clone());
                tokio::spawn(async move { ledger.write_receipt(&job, &receipt(0, writer)).await.unwrap() })
            })
            .collect();
        let mut first = 0;
        for writer in writers {
            first += u32::from(writer.await.unwrap() == Created::First);
        }
        assert_eq!(first, 1);
    }
}

#[tokio::test]
async fn wishes_follow_each_other_whoever_makes_them() {
    let folder = tempfile::tempdir().unwrap();
    for ledger in ledgers(folder.path(), "wishes").await {
        let job = id(4);
        assert_eq!(ledger.control(&job).await.unwrap().wish, Wish::Running);
        let wishes: Vec<_> = (0..20)
            .map(|_| {
                let (ledger, job) = (ledger.clone(), job.clone());
                tokio::spawn(async move { ledger.set_control(&job, Wish::Cancelled).await.unwrap() })
            })
            .collect();
        for wish in wishes {
            assert_eq!(wish.await.unwrap().wish, Wish::Cancelled);
        }
        let control = ledger.control(&job).await.unwrap();
        assert_eq!((control.epoch, control.wish), (1, Wish::Cancelled), "twenty equal wishes are one");
        assert_eq!(ledger.set_control(&job, Wish::Running).await.unwrap().epoch, 2);
    }
}

#[tokio::test]
async fn tenants_do_not_see_each_other() {
    let folder = tempfile::tempdir().unwrap();
    for ledger in ledgers(folder.path(), "tenants").await {
        let record = record(id(5), 1);
        ledger.of("a").accept(&record).await.unwrap();
        assert!(ledger.of("b").records().await.unwrap().is_empty());
        assert_eq!(ledger.of("b").record(&record.id).await.unwrap_err().kind, FailureKind::NotFound);
        assert_eq!(ledger.of("a").record(&record.id).await.unwrap(), record);
    }
}

#[tokio::test]
async fn a_folder_that_cannot_be_written_is_refused_with_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "x").unwrap();
    let failure = Ledger::in_folder(&file.join("ledger")).await.unwrap_err();
    assert!(failure.message.contains("the data folder cannot be made"), "{failure}");
}
