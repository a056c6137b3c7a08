//! `ripieno export`: a score in another format.

use super::{READ_ALL, SOME_FAILED, say, tell};
use shared::failure::{Failure, FailureKind};
use shared::job::Item;
use shared::reach::Reach;
use shared::store::Stores;
use shared::{config, disk};
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use worker::export::{self, Choice};
use worker::fetch::fetch;
use worker::read::ReadOptions;
use worker::write;

/// Writes a piece of a source; says the exit code.
pub(super) async fn export(
    source: &str,
    format: &str,
    choice: Choice,
    out: Option<&Path>,
) -> Result<u8, Failure> {
    let (writer, limits) = (write::find(format)?, config::limits()?);
    let item = Item::alone(String::new(), source.to_owned(), 0);
    let named = |failure: Failure| Failure { message: format!("{source}: {}", failure.message), ..failure };
    let arrived = fetch(&item, &Reach::everything(), &Stores::default(), &limits).await.map_err(named)?;
    let loaded = arrived.load(&limits).map_err(named)?;
    let options = ReadOptions { limits, ..ReadOptions::default() };
    let exported = export::export(&loaded, source, writer, choice, &options).map_err(named)?;
    let stem = Path::new(source.split(['?', '#']).next().unwrap_or_default()).file_stem();
    let default =
        || PathBuf::from(stem.unwrap_or("score".as_ref())).with_extension(writer.format().extension);
    let path = out.map_or_else(default, Path::to_path_buf);
    let failed = |error: io::Error| {
        Failure::new(FailureKind::Unavailable, format!("{} cannot be written: {error}", path.display()))
    };
    if path.as_os_str() == "-" {
        io::stdout().lock().write_all(&exported.bytes).map_err(failed)?;
    } else if out.is_none() && path.exists() {
        let message = format!("{} is there already: name another with --out", path.display());
        return Err(Failure::new(FailureKind::Malformed, message));
    } else {
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            disk::make_folder(folder).map_err(failed)?;
        }
        File::create(&path).and_then(|mut file| file.write_all(&exported.bytes)).map_err(failed)?;
        say(&format!("{}\n", path.display()));
    }
    if exported.left_out > 0 {
        tell(&format!("left out: {} notes that {format} cannot say\n", exported.left_out));
    }
    match exported.damage {
        Some(damage) => {
            tell(&format!("degraded: {damage}\n"));
            Ok(SOME_FAILED)
        }
        None => Ok(READ_ALL),
    }
}
