//! From what a client names to the sources that there are: folders walked, stores listed.

use crate::plan::Found;
use futures::TryStreamExt;
use object_store::ObjectStoreExt;
use shared::clock::unix_ms;
use shared::failure::{Failure, FailureKind};
use shared::store;
use std::collections::BTreeMap;
use std::fs::{self, Metadata};
use std::path::{Path, PathBuf};
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
        if is_score(&found.name) {
            self.found.push(found);
            return;
        }
        let file = found.name.rsplit('/').next().unwrap_or_default();
        let extension = file.rsplit_once('.').map_or("none", |(_, extension)| extension);
        *self.left_out.entry(extension.to_ascii_lowercase()).or_default() += 1;
    }
}

fn list_path(name: &str, listing: &mut Listing) -> Result<(), Failure> {
    let root = Path::new(name);
    let absolute = root.canonicalize().map_err(|error| unreadable(&error))?;
    let meta = fs::metadata(&absolute).map_err(|error| unreadable(&error))?;
    if meta.is_file() {
        let found = found(name.to_owned(), &absolute, &meta)?;
        listing.found.push(found);
        return Ok(());
    }
    // A stack, not recursion: folders can be nested deeper than ours. Links to folders are not followed, so that a
    // loop of them ends; links to files are.
    let mut folders = vec![(root.to_owned(), absolute)];
    while let Some((shown, folder)) = folders.pop() {
        for entry in fs::read_dir(&folder).map_err(|error| unreadable(&error))? {
            let entry = entry.map_err(|error| unreadable(&error))?;
            let (shown, path) = (shown.join(entry.file_name()), entry.path());
            let kind = entry.file_type().map_err(|error| unreadable(&error))?;
            if kind.is_dir() {
                folders.push((shown, path));
                continue;
            }
            let shown = shown.to_string_lossy().into_owned();
            match fs::metadata(&path) {
                Ok(meta) if meta.is_file() => {
                    let found = found(shown, &path, &meta)?;
                    listing.take(found);
                }
                // A link to a folder, a pipe: nothing to read, but counted.
                Ok(_) => *listing.left_out.entry("not a file".to_owned()).or_default() += 1,
                // A link that leads nowhere: it is an item if it bears a score's name, and will say what is wrong.
                Err(_) => {
                    listing.take(Found { name: shown, address: text(&path)?, bytes: 0, modified_ms: 0 })
                }
            }
        }
    }
    Ok(())
}

fn found(name: String, path: &Path, meta: &Metadata) -> Result<Found, Failure> {
    let modified_ms = meta.modified().map_or(0, unix_ms);
    Ok(Found { name, address: text(path)?, bytes: meta.len(), modified_ms })
}

fn text(path: &Path) -> Result<String, Failure> {
    let not_text = |path: PathBuf| {
        Failure::new(
            FailureKind::Unsupported,
            format!("{}: the path is not UTF-8; rename it", path.display()),
        )
    };
    path.to_str().map(str::to_owned).ok_or_else(|| not_text(path.to_owned()))
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
        let modified_ms = modified(&meta);
        listing.found.push(Found {
            name: url.to_owned(),
            address: url.to_owned(),
            bytes: meta.size,
            modified_ms,
        });
        return Ok(());
    }
    let (root, _) = store::split(url)?;
    let mut objects = store.list(Some(&path));
    while let Some(meta) = objects.try_next().await.map_err(store::failure)? {
        let (name, address) = (format!("{root}/{}", meta.location), store::join(&root, &meta.location));
        listing.take(Found { name, address, bytes: meta.size, modified_ms: modified(&meta) });
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
            listing.found.iter().map(|found| found.name.rsplit('/').next().unwrap()).collect();
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
            let (store, key) = store::open(&found.address).unwrap();
            let bytes = store.get(&key).await.unwrap().bytes().await.unwrap();
            assert!(found.name.ends_with(std::str::from_utf8(&bytes).unwrap()), "{}", found.name);
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
