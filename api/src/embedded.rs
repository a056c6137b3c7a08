//! Embedded mode: the worker inside this process, ledger and cache under one data folder.

use crate::service::Service;
use shared::dispatch::Dispatcher;
use shared::failure::Failure;
use shared::ledger::Ledger;
use shared::limits::Limits;
use std::path::Path;
use std::sync::Arc;
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
        Ok(Embedded { service, dispatcher, ledger, limits, apart: None })
    }

    /// The ledger, for a worker of one's own.
    #[must_use]
    pub fn ledger(&self) -> Ledger {
        self.ledger.clone()
    }

    /// Starts a worker with `threads` threads for computing; it ends once the dispatcher is closed.
    ///
    /// # Errors
    /// What [`Worker::new`] says.
    pub fn work(&self, data: &Path, threads: usize) -> Result<JoinHandle<()>, Failure> {
        let cache = Cache::open(&data.join("cache"), self.limits.cache_bytes_max);
        let (ledger, dispatcher) = (self.ledger.clone(), self.dispatcher.clone());
        let worker = Worker::new(ledger, dispatcher, cache, self.limits.clone(), threads)?;
        let worker = worker.with_marks(Marks::open(&data.join("in-work"))).with_apart(self.apart.clone());
        Ok(tokio::spawn(Arc::new(worker).run()))
    }
}
