//! Who asks, and on whose behalf. Every call of the service takes one.

/// The tenant of embedded mode.
pub const LOCAL_TENANT: &str = "local";

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    /// The organisation whose jobs and scores these are: the first element of every key in the ledger.
    pub tenant: String,
    /// The person or program.
    pub subject: String,
    /// What it may do.
    pub scopes: Vec<String>,
}

impl Principal {
    /// Whoever sits at this machine: the one principal of embedded mode, who may do everything.
    #[must_use]
    pub fn local() -> Self {
        Principal {
            tenant: LOCAL_TENANT.to_owned(),
            subject: LOCAL_TENANT.to_owned(),
            scopes: vec!["*".to_owned()],
        }
    }
}
