//! Embedded mode: the worker inside this process, ledger and cache under one data folder.

use crate::service::{Here, Service};
use shared::dispatch::Dispatcher;
use shared::failure::Failure;
use shared::ledger::Ledger;
use shared::limits::Limits;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use tokio::task::JoinHandle;
use worker::apart::Apart;
use worker::cache::Cache;
use worker::consume::Worker;
use worker::marks::Marks;

/// A service, and the means to run a worker beside it.
#[derive(Debug)]
pub struct Embedded {
    /// The service.
    pub service: Service,
    /// What carries its chunks.
    pub dispatcher: Dispatcher,
    ledger: Ledger,
    /// The cache, as long as somebody has it: a folder of it belongs to one.
    cache: Mutex<Weak<Cache>>,
    /// The limits in force.
    pub limits: Limits,
    /// The program that works suspects; none of them is worked apart without one.
    pub apart: Option<Apart>,
}

impl Embedded {
    /// Opens the data folder, which is made if it is not there.
    ///
    /// # Errors
    /// What [`Ledger::in_folder`] says.
    pub async fn open(data: &Path, limits: Limits) -> Result<Self, Failure> {
        let ledger = Ledger::in_folder(&data.join("ledger")).await?;
        let dispatcher = Dispatcher::memory();
        let service = Service::new(ledger.clone(), dispatcher.clone()).with_limits(&limits);
        Ok(Embedded { service, dispatcher, ledger, cache: Mutex::default(), limits, apart: None })
    }

    /// The ledger, for a worker of one's own.
    #[must_use]
    pub fn ledger(&self) -> Ledger {
        self.ledger.clone()
    }

    /// What works here, for whoever wants to know what it knows.
    #[must_use]
    pub fn here(&self, data: &Path, threads: usize) -> Here {
        Here { cache: self.cache(data), threads }
    }

    fn cache(&self, data: &Path) -> Option<Arc<Cache>> {
        let mut kept = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(cache) = kept.upgrade() {
            return Some(cache);
        }
        let cache = Arc::new(Cache::open(&data.join("cache"), self.limits.cache_bytes_max)?);
        *kept = Arc::downgrade(&cache);
        Some(cache)
    }

    /// Starts a worker with `threads` threads for computing; it ends once the dispatcher is closed.
    ///
    /// # Errors
    /// What [`Worker::new`] says.
    pub fn work(&self, data: &Path, threads: usize) -> Result<JoinHandle<()>, Failure> {
        let cache = self.cache(data);
        let (ledger, dispatcher) = (self.ledger.clone(), self.dispatcher.clone());
        let worker = Worker::new(ledger, dispatcher, cache, self.limits.clone(), threads)?;
        let worker = worker.with_marks(Marks::open(&data.join("in-work"))).with_apart(self.apart.clone());
        Ok(tokio::spawn(Arc::new(worker).run()))
    }
}
