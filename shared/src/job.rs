//! What a client submits, and how it is cut up: jobs, items, chunks.

use crate::dispatch::Lane;
use crate::failure::{Failure, FailureKind};
use crate::handle::{LETTERS, as_text, is_handle, letters_of};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::str::FromStr;

/// The handle of a job: `job-` and sixteen letters and digits, 80 random bits.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct JobId(String);

impl JobId {
    /// A new one from eighty random bits or more.
    #[must_use]
    pub fn from_random(random: &[u8; LETTERS]) -> Self {
        JobId(format!("job-{}", letters_of(random)))
    }

    /// The one that a client's own key fixes: whoever of a tenant says the same key means the same job.
    #[must_use]
    pub fn from_key(tenant: &str, key: &str) -> Self {
        let mut letters = [0; LETTERS];
        let mut hasher = blake3::Hasher::new();
        hasher.update(format!("ripieno job of a key\n{}\n{tenant}\n{key}", tenant.len()).as_bytes());
        hasher.finalize_xof().fill(&mut letters);
        JobId::from_random(&letters)
    }

    /// The text of it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for JobId {
    type Err = Failure;

    fn from_str(text: &str) -> Result<Self, Failure> {
        if is_handle(text, "job-") {
            return Ok(JobId(text.to_owned()));
        }
        let message = format!(
            "{text:?} is not a job: a job is like job-k3f9q2mwx7abcdef, as `ripieno jobs` lists them"
        );
        Err(Failure::new(FailureKind::Malformed, message))
    }
}

as_text!(JobId);

/// An analysis asked for, with checked parameters.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Asked {
    /// Its name.
    pub name: String,
    /// Its revision when the job was submitted: `key@2`.
    pub mark: String,
    /// Every parameter, given or by default.
    pub params: Map<String, Value>,
}

/// What is asked: sources and analyses.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Request {
    /// Files, folders or URLs, as the client wrote them.
    pub sources: Vec<String>,
    /// The analyses, in the order of the table's columns.
    pub analyses: Vec<Asked>,
    /// `corrected` or `compat`: how the readers read.
    pub fidelity: String,
    /// Whether a damaged score fails instead of giving a degraded row.
    pub strict: bool,
    /// `written`, `expanded` or `once`: measures as they stand, as they are played, or so with each repeat once.
    #[serde(default = "written")]
    pub repeats: String,
    /// Parts of a quarter note that the times of MIDI files are rounded to; none for the times as they are.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub midi_grid: Vec<u16>,
    /// What makes a part of a MIDI file, where the client says so: `track-channel`, `track` or `channel`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub midi_parts: Option<String>,
    /// Columns of the manifest files among the sources, beside the one that names scores: they are columns of the table.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub given: Vec<String>,
}

/// What a request meant before it could say so.
fn written() -> String {
    "written".to_owned()
}

/// What is known of a job from the moment it is accepted; never changed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// Version of this record.
    pub version: u16,
    /// The handle.
    pub id: JobId,
    /// When it was accepted, in milliseconds since 1970 UTC.
    pub created_ms: u64,
    /// Version of the engine that planned it.
    pub engine: String,
    /// What was asked.
    pub request: Request,
    /// Digest of the request and of every item: the same command over the same files has the same.
    pub submission: String,
    /// Items in all.
    pub items: u64,
    /// Bytes of all items.
    pub bytes: u64,
    /// Chunks in all.
    pub chunks: u32,
    /// Files of the folders that are no scores, counted by extension.
    pub left_out: BTreeMap<String, u64>,
    /// The lane that it was submitted to.
    #[serde(default = "bulk")]
    pub lane: Lane,
    /// Chunks of it that may travel at once.
    #[serde(default = "window_of_old")]
    pub window: u32,
    /// The job whose failed items it works again; its table is that one's, with the rows of these items replaced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retries: Option<JobId>,
    /// The run before, whose rows of what is as it was are taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<JobId>,
}

/// The lane of jobs before they had one.
const fn bulk() -> Lane {
    Lane::Bulk
}

/// Chunks that travelled at once before a record said it.
const fn window_of_old() -> u32 {
    4
}

/// Where an item stands in the run before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Earlier {
    /// The chunk.
    pub chunk: u32,
    /// Position in it, from 0.
    pub item: u32,
}

/// One source of a job.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Item {
    /// Position among all items of the job, from 0: the order of the table.
    pub index: u64,
    /// How the table calls it: as the client wrote it, with the path inside the folder.
    pub name: String,
    /// Where its bytes are: an absolute path, or a URL.
    pub address: String,
    /// Its size when it was planned.
    pub bytes: u64,
    /// When it was last changed, in milliseconds since 1970 UTC.
    pub modified_ms: u64,
    /// The store's mark of the bytes that it had when it was planned, where a store says one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub etag: Option<String>,
    /// What a manifest file says of it, in the order of [`Request::given`]; those at the end may be missing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub given: Vec<Option<String>>,
    /// Why it is no source at all: a line of a manifest file that names none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
    /// Where it stood in [`Record::before`], listed with the same mark and size, or without a mark then and now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub earlier: Option<Earlier>,
}

impl Item {
    /// The first item of a job, of which nothing more is known.
    #[must_use]
    pub const fn alone(name: String, address: String, bytes: u64) -> Self {
        let given = Vec::new();
        Item {
            index: 0,
            name,
            address,
            bytes,
            modified_ms: 0,
            etag: None,
            given,
            failure: None,
            earlier: None,
        }
    }
}

/// A run of items that travels as one message.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Chunk {
    /// Version of this record.
    pub version: u16,
    /// Its items, in order.
    pub items: Vec<Item>,
}

/// What a job is doing, as its controllers want it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wish {
    /// It shall run to its end.
    #[default]
    Running,
    /// No chunk of it shall begin until it may run again.
    Paused,
    /// It shall stop; what is finished stays.
    Cancelled,
}

/// What is in force, and how often it was changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Control {
    /// Number of the change, from 0, which is [`Wish::Running`] and is not written.
    pub epoch: u32,
    /// What is wanted.
    pub wish: Wish,
    /// The lane that it was moved to, if it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lane: Option<Lane>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handle_is_checked() {
        let id = JobId::from_random(b"0123456789abcdef");
        assert_eq!(id.as_str().parse::<JobId>().unwrap(), id);
        for bad in
            ["", "job-", "job-short", "job-k3f9q2mwx7abcde/", "job-../../../../etc", "JOB-k3f9q2mwx7abcdef"]
        {
            assert!(bad.parse::<JobId>().unwrap_err().message.contains("is not a job"), "{bad}");
        }
    }

    #[test]
    fn a_key_fixes_the_handle() {
        let id = JobId::from_key("local", "night-1");
        assert_eq!(id, JobId::from_key("local", "night-1"));
        assert_ne!(id, JobId::from_key("local", "night-2"));
        assert_ne!(id, JobId::from_key("locals", "night-1"));
        assert_eq!(id.as_str().parse::<JobId>().unwrap(), id);
    }

    #[test]
    fn a_request_of_before_an_option_means_its_default() {
        let old = r#"{"sources":["a"],"analyses":[],"fidelity":"corrected","strict":false}"#;
        let request: Request = serde_json::from_str(old).unwrap();
        assert_eq!(
            (&request.repeats[..], &request.midi_grid[..], &request.midi_parts),
            ("written", &[][..], &None)
        );
        let new = serde_json::to_string(&request).unwrap();
        assert!(!new.contains("midi"), "what is not said is not written: {new}");
    }
}
