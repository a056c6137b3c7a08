//! Folders on a local disk that a power cut does not take away.

use std::fs::{self, File};
use std::io;
use std::path::{Path, absolute};

/// Makes a folder, and the folders on the way to it, so that none of their names is lost once this returns.
///
/// # Errors
/// What the file system says.
pub fn make_folder(folder: &Path) -> io::Result<()> {
    let folder = absolute(folder)?;
    let missing: Vec<&Path> = folder.ancestors().take_while(|folder| !folder.exists()).collect();
    fs::create_dir_all(&folder)?;
    missing.iter().filter_map(|made| made.parent()).try_for_each(|parent| File::open(parent)?.sync_all())
}
