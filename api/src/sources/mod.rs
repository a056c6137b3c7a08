//! From what a client names to the sources that there are: folders walked, stores listed.

mod manifest;
mod pattern;
mod sorted;
mod walk;

pub use sorted::Sorted;

use crate::plan::Found;
use shared::failure::Failure;
use shared::limits::Limits;
use shared::reach::Reach;
use sorted::Sorter;
use std::collections::BTreeMap;
use walk::Walk;

/// What was found under the names that a client gave.
#[derive(Debug)]
pub struct Listing {
    /// Scores, by their names' extensions, and whatever was named itself: in the order of the table, each once.
    pub found: Sorted,
    /// Files inside the folders that bear no score's extension, counted by extension.
    pub left_out: BTreeMap<String, u64>,
    /// Columns of the manifest files, beside those that name scores.
    pub given: Vec<String>,
}

/// Why the later of two names of one source is left out, where a manifest file named it: what it says of it is lost.
const NAMED_AGAIN: &str = "named again";

/// Lists every source under the names given: files, folders (walked to their depths) and URLs, patterns of them, and what
/// manifest files name.
///
/// # Errors
/// `not_found` and the like, naming the source, when one that was named itself cannot be had; `too_large` for more items
/// than a job may have; `unavailable` when a long list finds no room on the disk.
pub async fn list(names: &[String], limits: &Limits) -> Result<Listing, Failure> {
    list_with(names, Vec::new(), &Reach::everything(), limits).await
}

/// Lists every source under the names given, as far as `reach` goes, and those that were found elsewhere.
///
/// # Errors
/// As [`list`]; `denied` for a name beyond reach.
pub async fn list_with(
    names: &[String],
    elsewhere: Vec<Found>,
    reach: &Reach,
    limits: &Limits,
) -> Result<Listing, Failure> {
    // Sources of one listing differ. Those of several, and of a manifest file, may be named twice: by address the same stand
    // side by side.
    let one = names.len() < 2 && elsewhere.is_empty();
    let differ = one && !names.iter().any(|name| manifest::is_manifest(name));
    let order = if differ { Found::by_name } else { Found::by_address };
    let mut walk = Walk::new(order, reach, limits);
    for name in names {
        let outcome = walk.name(name).await;
        outcome.map_err(|failure| Failure { message: format!("{name}: {}", failure.message), ..failure })?;
    }
    elsewhere.into_iter().try_for_each(|found| walk.push(found))?;
    let Walk { sorter, mut left_out, given, .. } = walk;
    let found = sorter.finish();
    if differ {
        return Ok(Listing { found, left_out, given });
    }
    let (found, again) = each_once(&found)?;
    if again > 0 {
        left_out.insert(NAMED_AGAIN.to_owned(), again);
    }
    Ok(Listing { found, left_out, given })
}

/// Sorts by name what is sorted by address, and drops the later of two names of one source; says how many of those were
/// named by a manifest file.
fn each_once(by_address: &Sorted) -> Result<(Sorted, u64), Failure> {
    let mut sorter = Sorter::new(Found::by_name);
    let mut first: Option<Found> = None;
    let mut again = 0;
    let said = |found: &Found| found.more.as_ref().is_some_and(|more| !more.given.is_empty());
    for found in by_address.iter() {
        let mut found = found?;
        match &mut first {
            Some(first) if first.by_address(&found).is_eq() => {
                // Of equal names the one counts that says the lesser: so it is one order, whoever comes first.
                if found.by_name(first).then_with(|| found.more.cmp(&first.more)).is_lt() {
                    std::mem::swap(first, &mut found);
                }
                again += u64::from(said(&found));
            }
            _ => {
                if let Some(first) = first.replace(found) {
                    sorter.push(first)?;
                }
            }
        }
    }
    first.map_or(Ok(()), |first| sorter.push(first))?;
    Ok((sorter.finish(), again))
}

#[cfg(test)]
mod tests {
    use super::*;
    use object_store::ObjectStoreExt;
    use shared::failure::FailureKind;
    use shared::store;
    use std::fs;
    use walk::LEFT_OUT_MAX;

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
