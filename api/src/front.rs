//! What the skins that answer requests share: the service, and what they must know of the process.

use crate::auth::Auth;
use crate::scores::Scores;
use crate::service::{Here, Service};
use shared::dispatch::Dispatcher;
use shared::limits::Limits;
use tokio::sync::watch;

/// The front of one process. REST and MCP hold it in common, behind an `Arc`.
#[derive(Debug)]
pub struct Front {
    /// What both of them call.
    pub service: Service,
    /// The catalogue of uploaded scores.
    pub scores: Scores,
    /// Whose announcements make waiting short.
    pub dispatcher: Dispatcher,
    /// The limits in force.
    pub limits: Limits,
    /// How callers over HTTP show who they are; where they need not, whoever reaches the front may do everything.
    pub auth: Option<Auth>,
    /// Whether whoever asks sits at this machine, and may name its paths and any URL.
    pub at_home: bool,
    /// The worker in this process, if there is one.
    pub here: Option<Here>,
    stopping: watch::Sender<bool>,
}

impl Front {
    /// A front on a service.
    #[must_use]
    pub fn new(service: Service, dispatcher: Dispatcher, limits: Limits) -> Self {
        let scores = service.scores(&limits);
        Front {
            service,
            scores,
            dispatcher,
            limits,
            auth: None,
            at_home: false,
            here: None,
            stopping: watch::Sender::new(false),
        }
    }

    /// The same for callers who show who they are.
    #[must_use]
    pub fn with_auth(self, auth: Option<Auth>) -> Self {
        Front { auth, ..self }
    }

    /// The same for whoever sits at this machine.
    #[must_use]
    pub fn at_home(self) -> Self {
        Front { at_home: true, ..self }
    }

    /// The same beside a worker in this process.
    #[must_use]
    pub fn with_here(self, here: Option<Here>) -> Self {
        Front { here, ..self }
    }

    /// The process ends soon: whoever waits for something is answered now.
    pub fn stop(&self) {
        self.stopping.send_replace(true);
    }

    /// Whether the process ends soon.
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        *self.stopping.borrow()
    }

    /// Waits until the process is to end. Every wait for a job, and every stream, is held against it.
    pub async fn stopping(&self) {
        // The front holds the sender, so there is no error.
        let _ = self.stopping.subscribe().wait_for(|stopping| *stopping).await;
    }
}
