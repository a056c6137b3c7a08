//! Names of servers: `--server lab` where `servers.json` in the user's folder says which URL that is.

use shared::config;
use shared::failure::{Failure, FailureKind};
use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;

/// The URL of a server that is given by it, or by its name.
///
/// # Errors
/// `malformed` for a name that nobody gave, and for a file of names that cannot be read.
pub(crate) fn url_of(server: String) -> Result<String, Failure> {
    if server.contains("://") {
        return Ok(server);
    }
    let path = config::user_folder()?.join("servers.json");
    let wrong = |what: String| Failure::new(FailureKind::Malformed, what);
    let unreadable = |why: String| {
        wrong(format!("{}: {why}: it is like {{\"lab\": \"https://ripieno.example\"}}", path.display()))
    };
    let mut names: BTreeMap<String, String> = match fs::read(&path) {
        Ok(bytes) => serde_json::from_slice(&bytes).map_err(|error| unreadable(error.to_string()))?,
        Err(error) if error.kind() == ErrorKind::NotFound => BTreeMap::new(),
        Err(error) => return Err(unreadable(error.to_string())),
    };
    names.remove(&server).ok_or_else(|| {
        let known: Vec<&str> = names.keys().map(String::as_str).collect();
        let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
        wrong(format!(
            "{server:?} is no server: say --server http://127.0.0.1:8321, or a name from {} (there: {known})",
            path.display()
        ))
    })
}
