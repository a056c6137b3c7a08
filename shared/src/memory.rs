//! What the process asks of the system's allocator.

use crate::config::var;
use std::process::Command;

/// The variable by which glibc is told from which size on an allocation is a mapping of its own.
const MMAP_THRESHOLD: &str = "MALLOC_MMAP_THRESHOLD_";
/// Bytes. Without it glibc raises its threshold to 32 MiB by itself, after which what a large score took stays with the
/// thread that took it: 375 MB over the development corpora where it is 291 with 256 KiB, for the same time. Half a mebibyte
/// is what each of sled's 41 tables for metrics takes, which nobody fills: as mappings of their own they take addresses
/// alone, where in a heap of large pages they are cleared, 20 MB and more of a worker. sled reads its log in pieces of that
/// size, too, for which pages are cleared at each: a run of which all is known takes no longer for it.
const MMAP_THRESHOLD_BYTES: &str = "524288";
/// The variable by which glibc is told how much it keeps that is free at the end of its heap.
const TRIM_THRESHOLD: &str = "MALLOC_TRIM_THRESHOLD_";
/// Bytes. Without it glibc keeps 128 KiB, so that it gives the pages back that a file took and has new ones cleared for the next:
/// a fifth of the time of small MIDI files.
const TRIM_THRESHOLD_BYTES: &str = "1048576";
/// The variable by which glibc is told what has no variable of its own.
const TUNABLES: &str = "GLIBC_TUNABLES";
/// That large pieces are to be of the processor's large pages where the kernel leaves that to programs (`madvise`, as Debian's
/// does). A MIDI file of 600 000 notes spent half of its time on having 11 000 small pages cleared one by one.
const LARGE_PAGES: &str = "glibc.malloc.hugetlb=1";
/// The variable by which glibc is told how many arenas threads may have between them.
const ARENA_MAX: &str = "MALLOC_ARENA_MAX";

/// Starts this process anew with the allocator told to give large pieces back to the system, unless somebody told it
/// already. glibc reads that once, before `main`, and only from the environment. The process stays the same to its
/// parent: its number, arguments and files. Where it cannot be, everything goes on as it is.
pub fn settle() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    if var(MMAP_THRESHOLD).is_none() {
        use std::os::unix::process::CommandExt;
        let Ok(program) = std::env::current_exe() else { return };
        let mut arguments = std::env::args_os();
        let mut again = Command::new(program);
        if let Some(name) = arguments.next() {
            again.arg0(name);
        }
        // One for each core instead of eight: what large scores leave behind in each of them adds up (269 MB over the
        // development corpora, 242 with two).
        if var(ARENA_MAX).is_none() {
            let cores = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
            again.env(ARENA_MAX, cores.to_string());
        }
        if var(TRIM_THRESHOLD).is_none() {
            again.env(TRIM_THRESHOLD, TRIM_THRESHOLD_BYTES);
        }
        if var(TUNABLES).is_none() {
            again.env(TUNABLES, LARGE_PAGES);
        }
        let error = again.args(arguments).env(MMAP_THRESHOLD, MMAP_THRESHOLD_BYTES).exec();
        tracing::debug!(%error, "the allocator stays as it is");
    }
}
