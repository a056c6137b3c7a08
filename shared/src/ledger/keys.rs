//! Where each record of a job lies. The first element after the kind is the tenant.

use crate::card::ScoreId;
use crate::job::JobId;
use object_store::path::Path;

/// The keys of one tenant.
#[derive(Clone, Debug)]
pub(super) struct Keys {
    tenant: String,
}

impl Keys {
    pub(super) fn new(tenant: &str) -> Self {
        Keys { tenant: tenant.to_owned() }
    }

    pub(super) fn tenant(&self) -> &str {
        &self.tenant
    }

    pub(super) fn jobs(&self) -> Path {
        Path::from_iter(["tenants", &self.tenant, "jobs"])
    }

    fn job(&self, job: &JobId) -> Path {
        self.jobs().join(job.as_str())
    }

    pub(super) fn record(&self, job: &JobId) -> Path {
        self.job(job).join("record")
    }

    pub(super) fn finished(&self, job: &JobId) -> Path {
        self.job(job).join("finished")
    }

    pub(super) fn controls(&self, job: &JobId) -> Path {
        self.job(job).join("control")
    }

    pub(super) fn control(&self, job: &JobId, epoch: u32) -> Path {
        self.controls(job).join(numbered(epoch))
    }

    pub(super) fn manifest(&self, job: &JobId, chunk: u32) -> Path {
        self.job(job).join("manifest").join(numbered(chunk))
    }

    pub(super) fn receipts(&self, job: &JobId) -> Path {
        self.job(job).join("receipts")
    }

    pub(super) fn receipt(&self, job: &JobId, chunk: u32) -> Path {
        self.receipts(job).join(numbered(chunk))
    }

    pub(super) fn rows(&self, job: &JobId, chunk: u32, name: &str, part: u32) -> Path {
        self.job(job).join("rows").join(part_name(chunk, name, part))
    }

    pub(super) fn details(&self, job: &JobId, chunk: u32, name: &str, part: u32) -> Path {
        self.job(job).join("details").join(part_name(chunk, name, part))
    }

    pub(super) fn score(&self, digest: &str) -> Path {
        Path::from_iter(["tenants", &self.tenant, "scores", digest])
    }

    pub(super) fn cards(&self) -> Path {
        Path::from_iter(["tenants", &self.tenant, "cards"])
    }

    pub(super) fn card(&self, score: &ScoreId) -> Path {
        self.cards().join(score.as_str())
    }

    pub(super) fn corpora(&self) -> Path {
        Path::from_iter(["tenants", &self.tenant, "corpora"])
    }

    pub(super) fn corpus(&self, corpus: &str) -> Path {
        self.corpora().join(corpus)
    }

    pub(super) fn in_corpus(&self, corpus: &str, score: &ScoreId) -> Path {
        self.corpus(corpus).join(score.as_str())
    }

    pub(super) fn index(&self) -> Path {
        Path::from_iter(["tenants", &self.tenant, "listed"])
    }

    pub(super) fn active(&self) -> Path {
        Path::from_iter(["active", &self.tenant])
    }

    pub(super) fn active_job(&self, job: &JobId) -> Path {
        self.active().join(job.as_str())
    }
}

/// What a part of a chunk's rows is called.
fn part_name(chunk: u32, name: &str, part: u32) -> String {
    format!("{}-{name}-{}", numbered(chunk), numbered(part))
}

/// Ten digits, so that listings come in the order of the numbers.
pub(super) fn numbered(number: u32) -> String {
    format!("{number:010}")
}

/// The number at the end of a key.
pub(super) fn number(path: &Path) -> Option<u32> {
    path.filename()?.parse().ok()
}
