//! From what a client names to the sources that there are: folders walked, stores listed.

mod sorted;

pub use sorted::Sorted;

use crate::plan::{Found, Root};
use futures::TryStreamExt;
use object_store::ObjectStoreExt;
use shared::clock::unix_ms;
use shared::failure::{Failure, FailureKind};
use shared::limits::{Limits, exceeded};
use shared::store;
use sorted::Sorter;
use std::collections::BTreeMap;
use std::fs::{self, Metadata};
use std::path::Path;
use std::sync::Arc;
use walkdir::WalkDir;
use worker::read::{READERS, has_extension};

/// Folders of one branch that are open at once; entries of the outer ones are held in memory beyond that.
const FOLDERS_OPEN_MAX: usize = 128;

/// What was found under the names that a client gave.
#[derive(Debug)]
pub struct Listing {
    /// Scores, by their names' extensions, and whatever was named itself: in the order of the table, each once.
    pub found: Sorted,
    /// Files inside the folders that bear no score's extension, counted by extension.
    pub left_out: BTreeMap<String, u64>,
}

/// Extensions that are counted apart; a folder may hold files of a million of them.
const LEFT_OUT_MAX: usize = 100;

/// Lists every source under the names given: files, folders (walked to their depths) and URLs.
///
/// # Errors
/// `not_found` and the like, naming the source, when one that was named itself cannot be had; `too_large` for more items
/// than a job may have; `unavailable` when a long list finds no room on the disk.
pub async fn list(names: &[String], limits: &Limits) -> Result<Listing, Failure> {
    list_with(names, Vec::new(), limits).await
}

/// Lists every source under the names given, and those that were found elsewhere.
///
/// # Errors
/// As [`list`].
pub async fn list_with(names: &[String], elsewhere: Vec<Found>, limits: &Limits) -> Result<Listing, Failure> {
    // Sources of one listing differ. Those of several may be named twice: by address the same stand side by side.
    let one = names.len() < 2 && elsewhere.is_empty();
    let order = if one { Found::by_name } else { Found::by_address };
    let mut walk = Walk { sorter: Sorter::new(order), left_out: BTreeMap::new(), items: 0, limits };
    for name in names {
        let outcome =
            if store::is_url(name) { list_url(name, &mut walk).await } else { list_path(name, &mut walk) };
        outcome.map_err(|failure| Failure { message: format!("{name}: {}", failure.message), ..failure })?;
    }
    elsewhere.into_iter().try_for_each(|found| walk.push(found))?;
    let found = walk.sorter.finish();
    let found = if one { found } else { each_once(&found)? };
    Ok(Listing { found, left_out: walk.left_out })
}

/// Sorts by name what is sorted by address, and drops the later of two names of one source.
fn each_once(by_address: &Sorted) -> Result<Sorted, Failure> {
    let mut sorter = Sorter::new(Found::by_name);
    let mut first: Option<Found> = None;
    for found in by_address.iter() {
        let found = found?;
        match &mut first {
            Some(first) if first.by_address(&found).is_eq() => {
                if found.by_name(first).is_lt() {
                    *first = found;
                }
            }
            _ => {
                if let Some(first) = first.replace(found) {
                    sorter.push(first)?;
                }
            }
        }
    }
    first.map_or(Ok(()), |first| sorter.push(first))?;
    Ok(sorter.finish())
}

fn is_score(name: &str) -> bool {
    READERS.iter().any(|reader| has_extension(reader.format(), name))
}

/// A listing in the making.
struct Walk<'a> {
    sorter: Sorter,
    left_out: BTreeMap<String, u64>,
    items: u64,
    limits: &'a Limits,
}

impl Walk<'_> {
    /// Takes a source, whatever its name.
    fn push(&mut self, found: Found) -> Result<(), Failure> {
        self.items += 1;
        if self.items > self.limits.items_max {
            return Err(exceeded("items_max", self.limits.items_max, None));
        }
        self.sorter.push(found)
    }

    /// Takes a file of a folder: as a score, or into the count of what is left out.
    fn take(&mut self, found: Found) -> Result<(), Failure> {
        if is_score(&found.inside) {
            return self.push(found);
        }
        let file = found.inside.rsplit('/').next().unwrap_or_default();
        let extension = file.rsplit_once('.').map_or("none", |(_, extension)| extension);
        self.leave_out(&extension.to_ascii_lowercase());
        Ok(())
    }

    fn leave_out(&mut self, kind: &str) {
        let known = self.left_out.len() < LEFT_OUT_MAX || self.left_out.contains_key(kind);
        *self.left_out.entry(if known { kind } else { "others" }.to_owned()).or_default() += 1;
    }
}

fn list_path(name: &str, walk: &mut Walk<'_>) -> Result<(), Failure> {
    let absolute = Path::new(name).canonicalize().map_err(|error| unreadable(&error))?;
    let meta = fs::metadata(&absolute).map_err(|error| unreadable(&error))?;
    let address = absolute.to_str().ok_or_else(|| {
        Failure::new(FailureKind::Unsupported, "the path to it is not UTF-8; rename the folder that is not")
    })?;
    let root = Arc::new(Root { name: name.to_owned(), address: address.to_owned() });
    if meta.is_file() {
        return walk.push(found(&root, "", &meta));
    }
    // Links to folders are not followed, so that a loop of them ends; links to files are.
    for entry in WalkDir::new(&absolute).max_open(FOLDERS_OPEN_MAX) {
        let entry = match entry {
            Ok(entry) => entry,
            // One folder that may not be read does not end the listing: it is an item, and will say what is wrong.
            Err(error) => {
                let inside = error.path().and_then(|path| path.strip_prefix(&absolute).ok());
                let inside = inside.ok_or_else(|| Failure::new(FailureKind::Unavailable, error.to_string()));
                walk.push(nothing_known(&root, inside?))?;
                continue;
            }
        };
        if entry.file_type().is_dir() {
            continue;
        }
        let inside = entry.path().strip_prefix(&absolute).unwrap_or(entry.path());
        match fs::metadata(entry.path()) {
            Ok(meta) if meta.is_file() => walk.take(found(&root, &inside.to_string_lossy(), &meta))?,
            // A link to a folder, a pipe: nothing to read, but counted.
            Ok(_) => walk.leave_out("not a file"),
            // A link that leads nowhere: it is an item if it bears a score's name, and will say what is wrong.
            Err(_) => walk.take(nothing_known(&root, inside))?,
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
async fn list_url(url: &str, walk: &mut Walk<'_>) -> Result<(), Failure> {
    let (store, path) = store::open(url)?;
    let modified =
        |meta: &object_store::ObjectMeta| u64::try_from(meta.last_modified.timestamp_millis()).unwrap_or(0);
    if is_score(path.as_ref()) {
        let meta = store.head(&path).await.map_err(store::failure)?;
        let root = Arc::new(Root { name: url.to_owned(), address: url.to_owned() });
        let modified_ms = modified(&meta);
        return walk.push(Found { root, inside: "".into(), bytes: meta.size, modified_ms });
    }
    let (root, _) = store::split(url)?;
    let root = Arc::new(Root { name: root.clone(), address: root });
    let mut objects = store.list(Some(&path));
    while let Some(meta) = objects.try_next().await.map_err(store::failure)? {
        let (inside, modified_ms) = (meta.location.as_ref().into(), modified(&meta));
        walk.take(Found { root: Arc::clone(&root), inside, bytes: meta.size, modified_ms })?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn list(names: &[String]) -> Result<Listing, Failure> {
        super::list(names, &Limits::default()).await
    }

    fn all(listing: &Listing) -> Vec<Found> {
        listing.found.iter().map(Result::unwrap).collect()
    }

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
        let names: Vec<String> = all(&listing).iter().map(|found| found.inside.to_string()).collect();
        assert_eq!(names, ["a.mid", "deep/b.KRN", "deep/er/c.abc", "gone.xml"]);
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
        assert_eq!(listing.found.items(), names.len() as u64);
        for found in all(&listing) {
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
        assert_eq!(listing.found.items(), 1);
        let failure = list(&["/does/not/exist".to_owned()]).await.unwrap_err();
        assert_eq!(failure.kind, FailureKind::NotFound);
        assert!(failure.message.starts_with("/does/not/exist: "), "{failure}");
    }

    #[tokio::test]
    async fn what_is_named_twice_is_one_item_and_one_listing_or_several_have_the_same_order() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().to_str().unwrap().to_owned();
        fs::create_dir_all(folder.path().join("b")).unwrap();
        for name in ["b.abc", "b/x.mid", "b/a.mid", "a.krn"] {
            fs::write(folder.path().join(name), "x").unwrap();
        }
        let names = |listing: Listing| all(&listing).iter().map(Found::name).collect::<Vec<_>>();
        let expected = ["a.krn", "b.abc", "b/a.mid", "b/x.mid"].map(|name| format!("{root}/{name}"));
        assert_eq!(names(list(std::slice::from_ref(&root)).await.unwrap()), expected);
        let several = ["b", "b/x.mid", "a.krn", "b.abc"].map(|name| format!("{root}/{name}"));
        assert_eq!(names(list(&several).await.unwrap()), expected);
        // Of two names the one counts that comes first in the order of the table.
        let dotted = format!("{root}/./b/x.mid");
        let listing = list(&[format!("{root}/b"), dotted.clone()]).await.unwrap();
        assert_eq!(names(listing), [dotted, format!("{root}/b/a.mid")]);
    }

    #[tokio::test]
    async fn more_items_than_the_limit_are_refused_and_kinds_left_out_are_bounded() {
        let folder = tempfile::tempdir().unwrap();
        for index in 0..150 {
            fs::write(folder.path().join(format!("x.{index:03}")), "x").unwrap();
        }
        for name in ["a.abc", "b.abc", "c.abc"] {
            fs::write(folder.path().join(name), "x").unwrap();
        }
        let names = [folder.path().to_str().unwrap().to_owned()];
        let listing = list(&names).await.unwrap();
        assert_eq!((listing.left_out.len(), listing.left_out["others"]), (LEFT_OUT_MAX + 1, 50));
        let limits = Limits { items_max: 2, ..Limits::default() };
        let failure = super::list(&names, &limits).await.unwrap_err();
        assert_eq!(failure.kind, FailureKind::TooLarge);
        assert!(failure.message.contains("items_max = 2"), "{failure}");
    }
}
