//! From what a client names to the sources that there are: folders walked, stores listed.

use crate::plan::{Found, Root};
use futures::TryStreamExt;
use object_store::ObjectStoreExt;
use shared::clock::unix_ms;
use shared::failure::{Failure, FailureKind};
use shared::store;
use std::collections::BTreeMap;
use std::fs::{self, Metadata};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use worker::read::{READERS, has_extension};

/// What was found under the names that a client gave.
#[derive(Debug, Default)]
pub struct Listing {
    /// Scores, by their names' extensions, and whatever was named itself.
    pub found: Vec<Found>,
    /// Files inside the folders that bear no score's extension, counted by extension.
    pub left_out: BTreeMap<String, u64>,
}

/// Lists every source under the names given: files, folders (walked to their depths) and URLs.
///
/// # Errors
/// `not_found` and the like, naming the source, when one that was named itself cannot be had.
pub async fn list(names: &[String]) -> Result<Listing, Failure> {
    let mut listing = Listing::default();
    for name in names {
        let outcome = if store::is_url(name) {
            list_url(name, &mut listing).await
        } else {
            list_path(name, &mut listing)
        };
        outcome.map_err(|failure| Failure { message: format!("{name}: {}", failure.message), ..failure })?;
    }
    Ok(listing)
}

fn is_score(name: &str) -> bool {
    READERS.iter().any(|reader| has_extension(reader.format(), name))
}

impl Listing {
    /// Takes a file of a folder: as a score, or into the count of what is left out.
    fn take(&mut self, found: Found) {
        if is_score(&found.inside) {
            self.found.push(found);
            return;
        }
        let file = found.inside.rsplit('/').next().unwrap_or_default();
        let extension = file.rsplit_once('.').map_or("none", |(_, extension)| extension);
        *self.left_out.entry(extension.to_ascii_lowercase()).or_default() += 1;
    }
}

fn list_path(name: &str, listing: &mut Listing) -> Result<(), Failure> {
    let absolute = Path::new(name).canonicalize().map_err(|error| unreadable(&error))?;
    let meta = fs::metadata(&absolute).map_err(|error| unreadable(&error))?;
    let address = absolute.to_str().ok_or_else(|| {
        Failure::new(FailureKind::Unsupported, "the path to it is not UTF-8; rename the folder that is not")
    })?;
    let root = Arc::new(Root { name: name.to_owned(), address: address.to_owned() });
    if meta.is_file() {
        listing.found.push(found(&root, "", &meta));
        return Ok(());
    }
    // A stack, not recursion: folders can be nested deeper than ours. Links to folders are not followed, so that a
    // loop of them ends; links to files are.
    let mut folders = vec![PathBuf::new()];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = fs::read_dir(absolute.join(&folder)) else {
            // One folder that may not be read does not end the listing: it is an item, and will say what is wrong.
            listing.found.push(nothing_known(&root, &folder));
            continue;
        };
        for entry in entries {
            let entry = entry.map_err(|error| unreadable(&error))?;
            let (inside, path) = (folder.join(entry.file_name()), entry.path());
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                folders.push(inside);
                continue;
            }
            match fs::metadata(&path) {
                Ok(meta) if meta.is_file() => listing.take(found(&root, &inside.to_string_lossy(), &meta)),
                // A link to a folder, a pipe: nothing to read, but counted.
                Ok(_) => *listing.left_out.entry("not a file".to_owned()).or_default() += 1,
                // A link that leads nowhere: it is an item if it bears a score's name, and will say what is wrong.
                Err(_) => listing.take(nothing_known(&root, &inside)),
            }
        }
    }
    Ok(())
}

fn found(root: &Arc<Root>, inside: &str, meta: &Metadata) -> Found {
    let modified_ms = meta.modified().map_or(0, unix_ms);
    Found { root: Arc::clone(root), inside: inside.into(), bytes: meta.len(), modified_ms }
}

fn nothing_known(root: &Arc<Root>, inside: &Path) -> Found {
    Found { root: Arc::clone(root), inside: inside.to_string_lossy().into(), bytes: 0, modified_ms: 0 }
}

fn unreadable(error: &std::io::Error) -> Failure {
    let kind = match error.kind() {
        std::io::ErrorKind::NotFound => FailureKind::NotFound,
        std::io::ErrorKind::PermissionDenied => FailureKind::Denied,
        _ => FailureKind::Unavailable,
    };
    Failure::new(kind, error.to_string())
}

/// A URL that bears a score's extension is one object; any other is a prefix.
async fn list_url(url: &str, listing: &mut Listing) -> Result<(), Failure> {
    let (store, path) = store::open(url)?;
    let modified =
        |meta: &object_store::ObjectMeta| u64::try_from(meta.last_modified.timestamp_millis()).unwrap_or(0);
    if is_score(path.as_ref()) {
        let meta = store.head(&path).await.map_err(store::failure)?;
        let root = Arc::new(Root { name: url.to_owned(), address: url.to_owned() });
        let modified_ms = modified(&meta);
        listing.found.push(Found { root, inside: "".into(), bytes: meta.size, modified_ms });
        return Ok(());
    }
    let (root, _) = store::split(url)?;
    let root = Arc::new(Root { name: root.clone(), address: root });
    let mut objects = store.list(Some(&path));
    while let Some(meta) = objects.try_next().await.map_err(store::failure)? {
        let (inside, modified_ms) = (meta.location.as_ref().into(), modified(&meta));
        listing.take(Found { root: Arc::clone(&root), inside, bytes: meta.size, modified_ms });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_folder_is_walked_and_everything_in_it_is_accounted_for() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        fs::create_dir_all(root.join("deep/er")).unwrap();
        for name in ["a.mid", "deep/b.KRN", "deep/er/c.abc", "deep/readme.txt", "LICENSE"] {
            fs::write(root.join(name), "x").unwrap();
        }
        std::os::unix::fs::symlink(root, root.join("deep/loop")).unwrap();
        std::os::unix::fs::symlink(root.join("nowhere"), root.join("gone.xml")).unwrap();
        let listing = list(&[root.to_str().unwrap().to_owned()]).await.unwrap();
        let mut names: Vec<_> =
            listing.found.iter().map(|found| found.inside.rsplit('/').next().unwrap()).collect();
        names.sort_unstable();
        assert_eq!(names, ["a.mid", "b.KRN", "c.abc", "gone.xml"]);
        let left_out: Vec<_> = listing.left_out.iter().map(|(name, count)| (name.as_str(), *count)).collect();
        assert_eq!(left_out, [("none", 1), ("not a file", 1), ("txt", 1)]);
    }

    #[tokio::test]
    async fn a_folder_by_its_url_gives_urls_that_can_be_fetched() {
        let folder = tempfile::tempdir().unwrap();
        let names = ["plain.abc", "with space.abc", "sharp#1.abc", "half 50%.abc", "why?.abc"];
        fs::create_dir(folder.path().join("in")).unwrap();
        for name in names {
            fs::write(folder.path().join("in").join(name), name).unwrap();
        }
        let url = format!("file://{}/in", folder.path().display());
        let listing = list(&[url]).await.unwrap();
        assert_eq!(listing.found.len(), names.len());
        for found in listing.found {
            let (store, key) = store::open(&found.address()).unwrap();
            let bytes = store.get(&key).await.unwrap().bytes().await.unwrap();
            assert!(found.name().ends_with(std::str::from_utf8(&bytes).unwrap()), "{}", found.name());
        }
    }

    #[tokio::test]
    async fn a_file_that_is_named_is_an_item_whatever_its_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notes");
        fs::write(&path, "x").unwrap();
        let listing = list(&[path.to_str().unwrap().to_owned()]).await.unwrap();
        assert_eq!(listing.found.len(), 1);
        let failure = list(&["/does/not/exist".to_owned()]).await.unwrap_err();
        assert_eq!(failure.kind, FailureKind::NotFound);
        assert!(failure.message.starts_with("/does/not/exist: "), "{failure}");
    }
}
