//! A listing in the making: folders walked, stores listed, names that are patterns matched.

use super::manifest;
use super::pattern::{self, Pattern};
use super::sorted::{Order, Sorter};
use crate::plan::{Found, More, Root};
use futures::{FutureExt, TryStreamExt};
use object_store::{ObjectMeta, ObjectStoreExt};
use shared::clock::unix_ms;
use shared::failure::{Failure, FailureKind};
use shared::limits::{Limits, exceeded};
use shared::reach::Reach;
use shared::store;
use std::collections::BTreeMap;
use std::fs::{self, Metadata};
use std::path::Path;
use std::sync::Arc;
use walkdir::WalkDir;
use worker::read::{READERS, has_extension};

/// Folders of one branch that are open at once; entries of the outer ones are held in memory beyond that.
const FOLDERS_OPEN_MAX: usize = 128;
/// Extensions that are counted apart; a folder may hold files of a million of them.
pub(super) const LEFT_OUT_MAX: usize = 100;

/// A listing in the making.
pub(super) struct Walk<'a> {
    pub(super) sorter: Sorter,
    pub(super) left_out: BTreeMap<String, u64>,
    pub(super) given: Vec<String>,
    pub(super) limits: &'a Limits,
    pub(super) reach: &'a Reach,
    items: u64,
}

impl<'a> Walk<'a> {
    pub(super) fn new(order: Order, reach: &'a Reach, limits: &'a Limits) -> Self {
        let (left_out, given) = (BTreeMap::new(), Vec::new());
        Walk { sorter: Sorter::new(order), left_out, given, limits, reach, items: 0 }
    }

    /// Takes what a client named.
    pub(super) async fn name(&mut self, name: &str) -> Result<(), Failure> {
        // What lies beyond reach is not even looked for.
        let before = match store::is_url(name) {
            true => pattern::split_url(name),
            false => pattern::split(name).filter(|_| !Path::new(name).exists()),
        };
        self.reach.way(before.map_or(name, |(before, _)| before)).await?;
        if manifest::is_manifest(name) {
            return manifest::list(name, self).await;
        }
        if store::is_url(name) {
            return match pattern::split_url(name) {
                Some((before, pattern)) => list_store(before, Some(&Pattern::new(pattern)?), self).await,
                None => list_url(name, self).await,
            };
        }
        // A file whose name only looks like a pattern is meant itself.
        match pattern::split(name).filter(|_| !Path::new(name).exists()) {
            Some((before, pattern)) => list_pattern(before, &Pattern::new(pattern)?, self),
            None => list_path(name, self),
        }
    }

    /// Refuses a file beyond reach before it is looked at: its size, and whether it is there, are nobody's matter either. One
    /// that is not there may be looked for.
    pub(super) fn may_look_at(&self, path: &str) -> Result<(), Failure> {
        // For a path there is nothing to wait for.
        match self.reach.way(path).now_or_never() {
            Some(Err(failure)) if failure.kind != FailureKind::NotFound => Err(failure),
            _ => Ok(()),
        }
    }

    /// Takes a source, whatever its name.
    pub(super) fn push(&mut self, found: Found) -> Result<(), Failure> {
        self.items += 1;
        if self.items > self.limits.items_max {
            return Err(exceeded("items_max", self.limits.items_max, None));
        }
        self.sorter.push(found)
    }

    /// Takes a file of a folder: as a score, or into the count of what is left out. A pattern that says how names end has
    /// chosen already.
    fn take(&mut self, found: Found, pattern: Option<&Pattern>) -> Result<(), Failure> {
        if pattern.is_some_and(Pattern::says_extension) || is_score(&found.inside) {
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

fn is_score(name: &str) -> bool {
    READERS.iter().any(|reader| has_extension(reader.format(), name))
}

fn list_path(name: &str, walk: &mut Walk<'_>) -> Result<(), Failure> {
    let (root, meta) = root(name, name)?;
    if meta.is_file() {
        return walk.push(found(&root, "", &meta));
    }
    list_folder(&root, None, walk)
}

/// Lists what a pattern matches below the folder before it.
fn list_pattern(before: &str, pattern: &Pattern, walk: &mut Walk<'_>) -> Result<(), Failure> {
    let (root, meta) = root(before, if before.is_empty() { "." } else { before })?;
    if !meta.is_dir() {
        return Err(Failure::new(FailureKind::NotFound, format!("{before} is no folder")));
    }
    list_folder(&root, Some(pattern), walk)
}

fn root(name: &str, path: &str) -> Result<(Arc<Root>, Metadata), Failure> {
    let absolute = Path::new(path).canonicalize().map_err(|error| unreadable(&error))?;
    let meta = fs::metadata(&absolute).map_err(|error| unreadable(&error))?;
    let address = absolute.to_str().ok_or_else(|| {
        Failure::new(FailureKind::Unsupported, "the path to it is not UTF-8; rename the folder that is not")
    })?;
    Ok((Arc::new(Root { name: name.to_owned(), address: address.to_owned() }), meta))
}

fn list_folder(root: &Arc<Root>, pattern: Option<&Pattern>, walk: &mut Walk<'_>) -> Result<(), Failure> {
    let absolute = Path::new(&root.address);
    let depth = pattern.and_then(Pattern::depth).unwrap_or(usize::MAX);
    // Links to folders are not followed, so that a loop of them ends; links to files are.
    for entry in WalkDir::new(absolute).max_open(FOLDERS_OPEN_MAX).max_depth(depth) {
        let entry = match entry {
            Ok(entry) => entry,
            // One folder that may not be read does not end the listing: it is an item, and will say what is wrong.
            Err(error) => {
                let inside = error.path().and_then(|path| path.strip_prefix(absolute).ok());
                let inside = inside.ok_or_else(|| Failure::new(FailureKind::Unavailable, error.to_string()));
                walk.push(nothing_known(root, inside?))?;
                continue;
            }
        };
        if entry.file_type().is_dir() {
            continue;
        }
        let inside = entry.path().strip_prefix(absolute).unwrap_or(entry.path());
        if pattern.is_some_and(|pattern| !pattern.matches(&inside.to_string_lossy())) {
            continue;
        }
        // Of a link that leads out of reach nothing is told but its name.
        if entry.path_is_symlink() && walk.may_look_at(&entry.path().to_string_lossy()).is_err() {
            walk.take(nothing_known(root, inside), pattern)?;
            continue;
        }
        match fs::metadata(entry.path()) {
            Ok(meta) if meta.is_file() => {
                walk.take(found(root, &inside.to_string_lossy(), &meta), pattern)?
            }
            // A link to a folder, a pipe: nothing to read, but counted.
            Ok(_) => walk.leave_out("not a file"),
            // A link that leads nowhere: it is an item if it bears a score's name, and will say what is wrong.
            Err(_) => walk.take(nothing_known(root, inside), pattern)?,
        }
    }
    Ok(())
}

fn found(root: &Arc<Root>, inside: &str, meta: &Metadata) -> Found {
    let modified_ms = meta.modified().map_or(0, unix_ms);
    Found { root: Arc::clone(root), inside: inside.into(), bytes: meta.len(), modified_ms, more: None }
}

fn nothing_known(root: &Arc<Root>, inside: &Path) -> Found {
    let inside = inside.to_string_lossy().into();
    Found { root: Arc::clone(root), inside, bytes: 0, modified_ms: 0, more: None }
}

pub(super) fn unreadable(error: &std::io::Error) -> Failure {
    Failure::new(FailureKind::of_file(error), error.to_string())
}

/// A URL that bears a score's extension is one object; any other is a prefix. A web server lists nothing: what it is asked
/// for is one object, unless the name ends as a folder's does.
async fn list_url(url: &str, walk: &mut Walk<'_>) -> Result<(), Failure> {
    let (store, path) = walk.reach.open(url).await?;
    let is_web = url.starts_with("http://") || url.starts_with("https://");
    if !is_score(path.as_ref()) && (!is_web || url.ends_with('/')) {
        return list_store(url, None, walk).await;
    }
    let meta = store.head(&path).await.map_err(store::failure)?;
    let root = Arc::new(Root { name: url.to_owned(), address: url.to_owned() });
    walk.push(object(&root, "", url, meta))
}

/// Lists the objects of a store below a URL: all of them, or those whose names from there on match a pattern.
async fn list_store(url: &str, pattern: Option<&Pattern>, walk: &mut Walk<'_>) -> Result<(), Failure> {
    let (store, path) = walk.reach.open(url).await?;
    let (root, _) = store::split(url)?;
    let root = Arc::new(Root { name: root.clone(), address: root });
    let mut objects = store.list(Some(&path));
    while let Some(meta) = objects.try_next().await.map_err(store::failure)? {
        let key = meta.location.to_string();
        let below = key.strip_prefix(path.as_ref()).unwrap_or(&key).trim_start_matches('/');
        if pattern.is_none_or(|pattern| pattern.matches(below)) {
            walk.take(object(&root, &key, url, meta), pattern)?;
        }
    }
    Ok(())
}

fn object(root: &Arc<Root>, inside: &str, url: &str, meta: ObjectMeta) -> Found {
    let modified_ms = u64::try_from(meta.last_modified.timestamp_millis()).unwrap_or(0);
    let etag = meta.e_tag.filter(|etag| store::is_mark(url, etag));
    let more = etag.map(|etag| Box::new(More { etag: Some(etag), ..More::default() }));
    Found { root: Arc::clone(root), inside: inside.into(), bytes: meta.size, modified_ms, more }
}
