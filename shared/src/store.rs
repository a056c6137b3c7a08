//! Object stores by URL: the ledger's own, and those that sources lie in.

use crate::config;
use crate::failure::{Failure, FailureKind};
use object_store::ObjectStore;
use object_store::path::Path;
use std::sync::Arc;
use url::Url;

/// The store that a URL names, and the path inside it.
///
/// # Errors
/// `unsupported` for a scheme that no store has, `malformed` for what is not a URL.
pub fn open(address: &str) -> Result<(Arc<dyn ObjectStore>, Path), Failure> {
    let url = Url::parse(address).map_err(|error| {
        Failure::new(FailureKind::Malformed, format!("{address:?} is not a URL: {error}"))
    })?;
    let (store, path) =
        object_store::parse_url_opts(&url, config::store_options()).map_err(|error| match error {
            object_store::Error::Generic { .. } => {
                let message = format!(
                    "{address:?}: no object store for it: {error}; s3://, http(s):// and file:// are known"
                );
                Failure::new(FailureKind::Unsupported, message)
            }
            other => failure(other),
        })?;
    Ok((Arc::from(store), path))
}

/// Whether a source is written as a URL rather than as a path.
#[must_use]
pub fn is_url(source: &str) -> bool {
    source.split_once("://").is_some_and(|(scheme, _)| {
        scheme.len() > 1 && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
    })
}

/// What an object store's error is to the caller.
#[must_use]
pub fn failure(error: object_store::Error) -> Failure {
    use object_store::Error as E;
    let kind = match &error {
        E::NotFound { .. } => FailureKind::NotFound,
        E::PermissionDenied { .. } | E::Unauthenticated { .. } => FailureKind::Denied,
        E::NotSupported { .. } | E::NotImplemented { .. } => FailureKind::Unsupported,
        E::InvalidPath { .. } => FailureKind::Malformed,
        _ => FailureKind::Unavailable,
    };
    Failure::new(kind, error.to_string())
}
