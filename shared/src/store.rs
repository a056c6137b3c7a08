//! Object stores by URL: the ledger's own, and those that sources lie in.

use crate::config;
use crate::failure::{Failure, FailureKind};
use crate::public::PublicOnly;
use object_store::http::HttpBuilder;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreScheme};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use url::{Position, Url};

/// A store, and a path inside it.
type Opened = Result<(Arc<dyn ObjectStore>, Path), Failure>;

/// Stores that are open already: making a client costs more than reading a small score.
#[derive(Debug, Default)]
pub struct Stores(Mutex<BTreeMap<String, Arc<dyn ObjectStore>>>);

impl Stores {
    /// The store that a URL names, opened the first time, and the path inside it.
    ///
    /// # Errors
    /// As [`open`].
    pub fn open(&self, address: &str) -> Result<(Arc<dyn ObjectStore>, Path), Failure> {
        let (root, path) = split(address)?;
        self.opened(root, path, || open(address))
    }

    /// The same by a client that goes to public addresses only.
    ///
    /// # Errors
    /// As [`open`].
    pub fn open_public(&self, address: &str) -> Result<(Arc<dyn ObjectStore>, Path), Failure> {
        let (root, path) = split(address)?;
        self.opened(format!("public {root}"), path, || open_public(address))
    }

    fn opened(&self, name: String, path: Path, open: impl FnOnce() -> Opened) -> Opened {
        let stores = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(store) = stores().get(&name) {
            return Ok((Arc::clone(store), path));
        }
        let (store, path) = open()?;
        stores().insert(name, Arc::clone(&store));
        Ok((store, path))
    }
}

/// The store that a URL names, and the path inside it.
///
/// # Errors
/// `unsupported` for a scheme that no store has, `malformed` for what is not a URL.
pub fn open(address: &str) -> Result<(Arc<dyn ObjectStore>, Path), Failure> {
    let url = parse(address)?;
    // Whoever writes http:// means it; without this the client would refuse.
    let plain = (url.scheme() == "http").then(|| ("allow_http".to_owned(), "true".to_owned()));
    let options = config::store_options().chain(plain);
    let (store, path) = object_store::parse_url_opts(&url, options).map_err(|error| match error {
        object_store::Error::Generic { .. } => unknown(address, &error),
        other => failure(other),
    })?;
    Ok((Arc::from(store), path))
}

/// The web server that a URL names, by a client that goes to public addresses only.
///
/// # Errors
/// As [`open`].
pub fn open_public(address: &str) -> Opened {
    let (root, path) = split(address)?;
    let store = HttpBuilder::new().with_url(root).with_http_connector(PublicOnly).build().map_err(failure)?;
    Ok((Arc::new(store), path))
}

/// A URL as its store, written as a URL without a slash at its end, and the path inside it.
///
/// # Errors
/// As [`open`].
pub fn split(address: &str) -> Result<(String, Path), Failure> {
    let url = parse(address)?;
    let (_, path) = ObjectStoreScheme::parse(&url).map_err(|error| unknown(address, &error))?;
    let segments: Vec<&str> = url.path().split('/').filter(|segment| !segment.is_empty()).collect();
    let bucket = segments.get(..segments.len().saturating_sub(path.parts().count())).unwrap_or(&[]);
    let before = &url[..Position::BeforePath];
    Ok((bucket.iter().fold(before.to_owned(), |root, segment| format!("{root}/{segment}")), path))
}

/// The URL of a path inside a store; what would end a URL's path or begin an escape in it is escaped.
#[must_use]
pub fn join(root: &str, path: &str) -> String {
    let path = path.replace('%', "%25").replace('#', "%23").replace('?', "%3F");
    format!("{root}/{path}")
}

fn parse(address: &str) -> Result<Url, Failure> {
    let wrong = |error| Failure::new(FailureKind::Malformed, format!("{address:?} is not a URL: {error}"));
    let url = Url::parse(address).map_err(wrong)?;
    // No store is sent either of them: what came would be another object.
    if url.query().is_some() || url.fragment().is_some() {
        let message =
            format!("{address:?}: a URL of a source ends before ? and #; in a name they are %3F and %23");
        return Err(Failure::new(FailureKind::Unsupported, message));
    }
    Ok(url)
}

fn unknown(address: &str, error: &dyn std::fmt::Display) -> Failure {
    let known = "s3://, gs://, az://, http(s):// and file:// are known";
    Failure::new(FailureKind::Unsupported, format!("{address:?}: no object store for it: {error}; {known}"))
}

/// Whether an ETag stands for the very bytes of the object at a URL. One of a folder is made of a file's times and number,
/// which programs that copy can carry over to other bytes; a weak one stands for bytes that mean the same.
#[must_use]
pub fn is_mark(address: &str, etag: &str) -> bool {
    !address.starts_with("file:") && !etag.is_empty() && !etag.starts_with("W/")
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_its_store_and_a_path() {
        for (url, root, path) in [
            ("s3://bucket/deep/prefix/", "s3://bucket", "deep/prefix"),
            ("s3://bucket", "s3://bucket", ""),
            ("gs://bucket/a/b", "gs://bucket", "a/b"),
            ("az://container/a/b", "az://container", "a/b"),
            ("file:///scores", "file://", "scores"),
            ("http://127.0.0.1:8000/a/b%20c.krn", "http://127.0.0.1:8000", "a/b c.krn"),
        ] {
            assert_eq!(split(url).unwrap(), (root.to_owned(), Path::from(path)), "{url}");
        }
        assert_eq!(split("foo://bucket/x").unwrap_err().kind, FailureKind::Unsupported);
        assert_eq!(split("no url").unwrap_err().kind, FailureKind::Malformed);
        for cut in ["https://host/a.krn?id=5", "s3://bucket/why?.abc", "s3://bucket/c#.abc"] {
            assert_eq!(split(cut).unwrap_err().kind, FailureKind::Unsupported, "{cut}");
        }
        assert_eq!(join("s3://bucket", "50%/why?#1"), "s3://bucket/50%25/why%3F%231");
    }

    #[test]
    fn a_store_is_opened_once() {
        let stores = Stores::default();
        let (one, _) = stores.open("http://127.0.0.1:1/a.krn").unwrap();
        let (two, path) = stores.open("http://127.0.0.1:1/b.krn").unwrap();
        assert!(Arc::ptr_eq(&one, &two));
        assert_eq!(path.as_ref(), "b.krn");
    }

    #[test]
    fn paths_are_told_from_urls() {
        assert!(is_url("s3://bucket/x") && is_url("file:///x"));
        assert!(!is_url("scores/a.mid") && !is_url("C://scores") && !is_url("a b://c"));
    }
}
