//! Where a command line works: on a data folder of its own, or on a cluster.

use crate::embedded::Embedded;
use crate::service::{Here, Service};
use shared::config::Cluster;
use shared::dispatch::Dispatcher;
use shared::dispatch::rabbitmq::RabbitMq;
use shared::failure::{Failure, FailureKind};
use shared::ledger::Ledger;
use shared::limits::Limits;
use std::path::PathBuf;
use tokio::task::JoinHandle;
use worker::apart::Apart;
use worker::consume::{PREFETCH, reconcile};

/// The service, and what is behind it.
pub(super) struct Desk {
    pub(super) service: Service,
    pub(super) dispatcher: Dispatcher,
    pub(super) limits: Limits,
    /// In embedded mode, what a worker stands on, and its data folder.
    embedded: Option<(Embedded, PathBuf)>,
}

impl Desk {
    pub(super) async fn embedded(data: PathBuf, limits: Limits) -> Result<Self, Failure> {
        let mut embedded = Embedded::open(&data, limits.clone()).await?;
        embedded.apart = Apart::this_program();
        let (service, dispatcher) = (embedded.service.clone(), embedded.dispatcher.clone());
        Ok(Desk { service, dispatcher, limits, embedded: Some((embedded, data)) })
    }

    pub(super) async fn in_cluster(cluster: &Cluster, limits: Limits) -> Result<Self, Failure> {
        let dispatcher = Dispatcher::RabbitMq(RabbitMq::new(&cluster.broker, &cluster.queues, PREFETCH)?);
        let ledger = Ledger::at_url(&cluster.store).await?;
        let service = Service::new(ledger, dispatcher.clone()).with_limits(&limits);
        Ok(Desk { service, dispatcher, limits, embedded: None })
    }

    /// Whether others work here.
    pub(super) const fn is_cluster(&self) -> bool {
        self.embedded.is_none()
    }

    /// The worker of embedded mode, for whoever wants to know what it knows.
    pub(super) fn here(&self, threads: usize) -> Option<Here> {
        self.embedded.as_ref().map(|(embedded, data)| embedded.here(data, threads))
    }

    /// Starts the worker of embedded mode; in a cluster there is none here.
    pub(super) fn work(&self, threads: usize) -> Result<Option<Work>, Failure> {
        let Some((embedded, data)) = &self.embedded else { return Ok(None) };
        let (dispatcher, worker) = (self.dispatcher.clone(), embedded.work(data, threads)?);
        Ok(Some(Work { dispatcher, worker }))
    }

    /// The ledger of embedded mode, whose jobs this process looks after; those of a cluster are the workers' matter.
    pub(super) fn ledger(&self) -> Option<Ledger> {
        self.embedded.as_ref().map(|(embedded, _)| embedded.ledger())
    }

    /// Publishes what is left to do of every job.
    pub(super) async fn take_up(&self) -> Result<(), Failure> {
        let Some(ledger) = self.ledger() else { return Ok(()) };
        for (ledger, record) in ledger.active_of_all().await? {
            reconcile(&ledger, &self.dispatcher, &record).await?;
        }
        Ok(())
    }

    /// What was said last is heard.
    pub(super) async fn leave(&self) {
        self.dispatcher.leave().await;
    }
}

/// The worker of embedded mode.
pub(super) struct Work {
    dispatcher: Dispatcher,
    worker: JoinHandle<()>,
}

impl Work {
    /// Ends what is in work.
    pub(super) async fn end(self) -> Result<(), Failure> {
        self.dispatcher.close();
        let gone = |error| Failure::new(FailureKind::Internal, format!("the worker is gone: {error}"));
        self.worker.await.map_err(gone)
    }
}
