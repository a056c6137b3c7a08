//! Every limit of the system, in one list: what it bounds, in which unit, its default and why it is there.
//! `docs/operations.md` has the same table, made from this list.

use crate::failure::{Failure, FailureKind};
use crate::place::Place;

/// A bound on something that a hostile or broken input could make endless.
#[derive(Debug)]
pub struct Limit {
    /// Name in messages and in the table.
    pub name: &'static str,
    /// What one of it is.
    pub unit: &'static str,
    /// The value in force unless the environment says otherwise.
    pub default: u64,
    /// Environment variable that overrides it.
    pub env: &'static str,
    /// What breaks without it.
    pub reason: &'static str,
}

macro_rules! limits {
    (
        of_scores { $($(#[doc = $of_scores:literal])+ $score:ident: $score_unit:literal = $score_default:expr, $score_env:literal;)+ }
        others { $($(#[doc = $of_others:literal])+ $other:ident: $other_unit:literal = $other_default:expr, $other_env:literal;)+ }
    ) => {
        limits! {
            $($(#[doc = $of_scores])+ $score: $score_unit = $score_default, $score_env;)+
            $($(#[doc = $of_others])+ $other: $other_unit = $other_default, $other_env;)+
        }

        impl Limits {
            /// What stands for the limits that decide what a score's rows say: findings made under others are not its.
            #[must_use]
            pub fn of_scores_mark(&self) -> String {
                let mut hasher = blake3::Hasher::new();
                $(hasher.update(concat!(stringify!($score), "=").as_bytes()).update(&self.$score.to_le_bytes());)+
                hasher.finalize().to_hex().get(..16).unwrap_or_default().to_owned()
            }
        }
    };
    ($($(#[doc = $reason:literal])+ $field:ident: $unit:literal = $default:expr, $env:literal;)+) => {
        /// The values in force.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct Limits {
            $($(#[doc = $reason])+ pub $field: u64,)+
        }

        /// Every limit, in the order of the table.
        pub static LIMITS: &[Limit] = &[$(Limit {
            name: stringify!($field), unit: $unit, default: $default, env: $env, reason: concat!($($reason),+),
        }),+];

        impl Default for Limits {
            fn default() -> Self {
                Limits { $($field: $default),+ }
            }
        }

        impl Limits {
            /// The defaults, each overridden by what `look_up` says of its environment name.
            ///
            /// # Errors
            /// `malformed`, naming the variable, when a value is not a positive whole number.
            pub fn from_environment(look_up: impl Fn(&str) -> Option<String>) -> Result<Self, Failure> {
                Ok(Limits { $($field: value($env, $unit, $default, look_up($env))?),+ })
            }
        }
    };
}

/// A limit that no environment overrides: what an analysis answers depends on its score and its parameters alone.
macro_rules! fixed {
    ($($(#[doc = $reason:literal])+ $name:ident: $text:literal, $unit:literal = $value:expr;)+) => {
        $($(#[doc = $reason])+ pub const $name: Limit = Limit {
            name: $text, unit: $unit, default: $value, env: "", reason: concat!($($reason),+),
        };)+

        /// Every limit that is the same everywhere, in the order of its table.
        pub static FIXED: &[Limit] = &[$($name),+];
    };
}

fixed! {
    /// What is said slice by slice of so many notes would fill memory; real scores have up to some ten thousand slices.
    SLICED_NOTES_MAX: "sliced_notes_max", "notes of a piece that is cut into slices" = 200_000;
    /// Each slice is a row of the detail of several analyses.
    SLICES_MAX: "slices_max", "slices of one piece" = 30_000;
    /// Each different chord has a dozen names.
    CHORDS_MAX: "chords_max", "different chords of one piece" = 12_000;
    /// A file of thousands of voices that all move at once would never be done.
    VOICE_PAIRS_MAX: "voice_pairs_max", "pairs of voices of one piece, over all moments" = 50_000_000;
    /// Drones under thousands of chords, in hundreds of voices, would be held against each of them.
    TONE_CHORDS_MAX: "tone_chords_max", "chords that the tones of one piece sound in, over all tones" = 20_000_000;
    /// Each is a row of the detail, of half a kilobyte while it is made; symphonies have up to 45 000.
    FINDINGS_MAX: "findings_max", "findings of one analysis of one piece" = 200_000;
    /// Each two voices may have some at each moment, of a tenth of a kilobyte; the finale of Beethoven's Ninth has 247 091.
    VOICE_FINDINGS_MAX: "voice_findings_max", "findings of voice leading of one piece" = 600_000;
    /// Each costs half a kilobyte while the keys are found; the longest movements have some thousand measures.
    KEY_SPANS_MAX: "key_spans_max", "measures or quarters of one piece whose keys are told" = 50_000;
    /// Every window of every size would be half the square of a score's quarters: 50 million for an opera.
    KEY_WINDOWS_MAX: "key_windows_max", "windows of one piece whose keys are told" = 1_000_000;
    /// A long run of one note repeats itself in n squared places; the patterns that promise most are weighed first.
    PATTERN_WORK_MAX: "pattern_work_max", "occurrences of the patterns of one piece that are weighed" = 4_000_000;
    /// Pieces that are compared are held in memory, some 400 bytes each.
    SIMILAR_PIECES_MAX: "similar_pieces_max", "pieces of a job that are compared" = 300_000;
    /// Each tenant is a series of each metric of work, in the process and with whoever watches it; the rest are `other`.
    METRIC_TENANTS_MAX: "metric_tenants_max", "tenants that the metrics of one process tell apart" = 200;
    /// Thousands of pieces that share a bucket would be compared in millions of pairs; each is held against the next ones.
    SIMILAR_BUCKET_MAX: "similar_bucket_max", "pieces of one bucket that a piece is held against" = 50;
    /// A corpus that moved has a million sources that are gone and as many new ones; those beyond it are counted.
    CHANGES_MAX: "changes_max", "sources that the report of a scheduled run lists of each kind" = 10_000;
    /// A schedule of every minute that nobody looked after for a year would have half a million runs to make up for.
    CATCH_UP_MAX: "catch_up_max", "missed times of a schedule that are made up for" = 100;
    /// Whoever asks waits while an import reads every score; more scores are several imports, or sources of a job.
    SCORES_AT_ONCE_MAX: "scores_at_once_max", "scores of one import" = 500;
    /// Whoever asks what a job would cost waits while its scores are looked for among what is known.
    PLAN_LOOKS_MAX: "plan_looks_max", "items of a plan that are looked for" = 10_000;
    /// The same for the jobs that stand before it, and for those in which it may have been worked.
    PLAN_JOBS_MAX: "plan_jobs_max", "jobs that a plan looks at" = 100;
    /// Whoever begins uploads and never ends them would fill the store.
    UPLOADS_MAX: "uploads_max", "unfinished uploads of one tenant" = 100;
    /// Each piece is an object of the store; pieces of a byte each would be millions.
    UPLOAD_PIECES_MAX: "upload_pieces_max", "pieces of one upload" = 1_000;
}

limits! {
    of_scores {
        /// A source of endless bytes would fill memory and disk.
        source_bytes_max: "bytes" = 256 << 20, "RIPIENO_SOURCE_BYTES_MAX";
        /// A compressed score of a few bytes can inflate to terabytes.
        inflated_bytes_max: "bytes" = 1 << 30, "RIPIENO_INFLATED_BYTES_MAX";
        /// Deflate reaches 1032:1 on zeros; real scores stay under 60:1.
        inflate_ratio_max: "inflated bytes per compressed byte" = 400, "RIPIENO_INFLATE_RATIO_MAX";
        /// A directory of millions of archive members is held in memory while it is searched.
        archive_entries_max: "members of one archive" = 1_000, "RIPIENO_ARCHIVE_ENTRIES_MAX";
        /// About 150 bytes of memory each while they are analysed; the largest symphony movements have under 100 000.
        notes_max: "notes and rests of one piece" = 1_000_000, "RIPIENO_NOTES_MAX";
        /// Each part costs memory in every table, and analyses compare parts in pairs.
        parts_max: "parts of one piece" = 1_000, "RIPIENO_PARTS_MAX";
        /// Measures are cheap to declare and cost memory.
        measures_max: "measures of one piece, all parts" = 1_500_000, "RIPIENO_MEASURES_MAX";
        /// Words and signs cost 32 bytes each, and one note can carry any number of them.
        annotations_max: "words and signs of one piece" = 1_000_000, "RIPIENO_ANNOTATIONS_MAX";
        /// One word can be as long as a line.
        annotation_bytes_max: "bytes of words, signs and labels of measures of one piece" = 16 << 20, "RIPIENO_ANNOTATION_BYTES_MAX";
        /// A few bytes can ask for a measure to be repeated any number of times.
        expanded_measures_max: "measures of one part as played" = 100_000, "RIPIENO_EXPANDED_MEASURES_MAX";
        /// Nested elements cost stack in careless readers and memory in ours.
        xml_depth_max: "nested elements" = 64, "RIPIENO_XML_DEPTH_MAX";
        /// One attribute, text or line is held in memory whole.
        token_bytes_max: "bytes of one line, text or attribute" = 16 << 20, "RIPIENO_TOKEN_BYTES_MAX";
        /// Each kern spine costs memory on every line; a file can double them line by line.
        spines_max: "spines at once" = 1_000, "RIPIENO_SPINES_MAX";
        /// A tunebook is read tune by tune, and each tune is a row.
        pieces_max: "pieces of one item" = 200_000, "RIPIENO_PIECES_MAX";
        /// Past it the score is too far in time for exact arithmetic (9.2e18 ticks).
        quarters_max: "quarter notes from the start of a piece" = 10_000_000, "RIPIENO_QUARTERS_MAX";
        /// A score that takes longer would hold its worker.
        item_seconds_max: "seconds of work for one item" = 120, "RIPIENO_ITEM_SECONDS_MAX";
        /// A score that takes its process down may do so by its size: whoever works a suspect gets no more than this.
        suspect_bytes_max: "bytes of address space of a process that works suspects" = 2 << 30, "RIPIENO_SUSPECT_BYTES_MAX";
        /// A broken file can earn a warning for each note; the rest are counted, not kept.
        warnings_max: "warnings kept of one piece" = 50, "RIPIENO_WARNINGS_MAX";
    }
    others {
        /// A list of more takes gigabytes of temporary files while it is sorted.
        items_max: "items of one job" = 10_000_000, "RIPIENO_ITEMS_MAX";
        /// A score in work takes up to sixteen times the bytes of its source; a source larger than this is worked alone.
        bytes_in_flight_max: "bytes of sources in work at once" = 12 << 20, "RIPIENO_BYTES_IN_FLIGHT_MAX";
        /// Larger sources go through a file on disk, so that memory does not follow them.
        spool_bytes_max: "bytes of a source held in memory" = 8 << 20, "RIPIENO_SPOOL_BYTES_MAX";
        /// A manifest file of a store is kept in a temporary file while it is read.
        manifest_bytes_max: "bytes of one manifest file" = 4 << 30, "RIPIENO_MANIFEST_BYTES_MAX";
        /// Each row of an item carries what its line says; a quotation mark that is never closed makes one line of a whole file.
        manifest_line_bytes_max: "bytes of one line of a manifest file" = 64 << 10, "RIPIENO_MANIFEST_LINE_BYTES_MAX";
        /// Each column of a manifest file is a column of the table, for every row.
        manifest_columns_max: "columns of all manifest files of one job" = 100, "RIPIENO_MANIFEST_COLUMNS_MAX";
        /// The cache is one worker's own memory of findings; two generations of half this size each.
        cache_bytes_max: "bytes on disk" = 1 << 30, "RIPIENO_CACHE_BYTES_MAX";
        /// As many travel as the workers there are can take, and no more: they would keep other jobs waiting, and fill the broker.
        chunks_in_lane_max: "chunks of one job in a lane of a cluster at once" = 1024, "RIPIENO_CHUNKS_IN_LANE_MAX";
        /// Whoever died while it listed the sources of a schedule would keep it from its turn; longer lists are begun twice.
        fire_seconds_max: "seconds until another process takes over a time of a schedule" = 300, "RIPIENO_FIRE_SECONDS_MAX";
        /// Each connection costs memory and a file of the process; one too many is closed at once.
        connections_max: "connections to the front at once" = 10_000, "RIPIENO_CONNECTIONS_MAX";
        /// A body is held in memory whole; scores are uploaded by another way.
        request_bytes_max: "bytes of the body of a request" = 4 << 20, "RIPIENO_REQUEST_BYTES_MAX";
        /// Headers without an end would fill memory.
        request_head_bytes_max: "bytes of the head of a request" = 32 << 10, "RIPIENO_REQUEST_HEAD_BYTES_MAX";
        /// A client that sends a byte now and then would hold its connection for ever; an idle one is closed after as long.
        request_seconds_max: "seconds for the head, and for the body, of a request to come" = 30, "RIPIENO_REQUEST_SECONDS_MAX";
        /// Whoever waits for a job holds a connection.
        wait_seconds_max: "seconds that a request may wait for a job" = 60, "RIPIENO_WAIT_SECONDS_MAX";
        /// A page is made in memory.
        page_rows_max: "rows of one page of items, failures or jobs" = 1_000, "RIPIENO_PAGE_ROWS_MAX";
        /// Tables that were made for a download are kept for the next one.
        table_bytes_max: "bytes on disk of tables kept for downloads" = 1 << 30, "RIPIENO_TABLE_BYTES_MAX";
        /// One tenant's programs would keep a front from the others; twice as many may come at once.
        tenant_requests_per_second_max: "requests of one tenant in a second, on average, to one front or to all that share a Redis" = 200, "RIPIENO_TENANT_REQUESTS_PER_SECOND_MAX";
        /// Each request asks Redis once where there is one; after as long each front counts for itself.
        redis_milliseconds_max: "milliseconds that a command to Redis may take" = 50, "RIPIENO_REDIS_MILLISECONDS_MAX";
        /// Who leaves a browser somewhere would stay logged in; each request begins the time anew.
        session_idle_seconds_max: "seconds that a browser's session is kept without being used" = 1_800, "RIPIENO_SESSION_IDLE_SECONDS_MAX";
        /// Who is nobody any more at the provider would stay somebody here.
        session_seconds_max: "seconds that a browser's session is kept" = 43_200, "RIPIENO_SESSION_SECONDS_MAX";
        /// Sessions that Redis does not keep lie in memory, some 300 bytes each; one too many ends the one not used for longest.
        sessions_max: "browsers' sessions kept by one front without Redis" = 10_000, "RIPIENO_SESSIONS_MAX";
        /// Jobs without end would fill the lanes and the ledger of all.
        tenant_jobs_max: "jobs of one tenant that have not ended" = 1_000, "RIPIENO_TENANT_JOBS_MAX";
        /// A tenant would have the workers for days on end; a job that passes what is left of its day is refused whole.
        tenant_items_per_day_max: "items that a tenant's jobs of one day in UTC may have" = 20_000_000, "RIPIENO_TENANT_ITEMS_PER_DAY_MAX";
        /// The same, by their bytes: those that no listing tells count when the job has ended.
        tenant_bytes_per_day_max: "bytes that a tenant's jobs of one day in UTC may have" = 1 << 40, "RIPIENO_TENANT_BYTES_PER_DAY_MAX";
        /// What is not whole a day after its last byte came will not be.
        upload_seconds_max: "seconds that an unfinished upload is kept" = 86_400, "RIPIENO_UPLOAD_SECONDS_MAX";
        /// A receiver that is away is tried again after 5 s, 25 s, 2 min, 10 min, then hourly.
        callback_tries_max: "tries to tell of the end of a job" = 12, "RIPIENO_CALLBACK_TRIES_MAX";
        /// A receiver that does not answer would hold up the others.
        callback_seconds_max: "seconds that the receiver of a callback may take" = 10, "RIPIENO_CALLBACK_SECONDS_MAX";
        /// Every search goes through the cards of all uploaded scores of a tenant, some 300 bytes of memory each.
        scores_max: "uploaded scores of one tenant" = 100_000, "RIPIENO_SCORES_MAX";
    }
}

fn value(env: &str, unit: &str, default: u64, set: Option<String>) -> Result<u64, Failure> {
    let Some(text) = set else { return Ok(default) };
    match text.trim().parse::<u64>() {
        Ok(value) if value > 0 => Ok(value),
        _ => Err(Failure::new(
            FailureKind::Malformed,
            format!("{env}={text:?} is not a limit: a positive whole number of {unit} is, such as {default}"),
        )),
    }
}

/// The failure of something that passed the limit called `name`.
#[must_use]
pub fn exceeded(name: &str, allowed: u64, place: Option<Place>) -> Failure {
    let unit = LIMITS.iter().chain(FIXED).find(|limit| limit.name == name).map_or("", |limit| limit.unit);
    Failure { place, ..Failure::new(FailureKind::TooLarge, format!("more than {name} = {allowed} {unit}")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_overrides_and_is_checked() {
        let set = |name: &str| (name == "RIPIENO_PARTS_MAX").then(|| "7".to_owned());
        let limits = Limits::from_environment(set).unwrap();
        assert_eq!((limits.parts_max, limits.notes_max), (7, 1_000_000));

        let failure = Limits::from_environment(|_| Some("-1".to_owned())).unwrap_err();
        assert!(failure.message.starts_with("RIPIENO_SOURCE_BYTES_MAX=\"-1\" is not a limit"), "{failure}");
    }

    #[test]
    fn only_limits_of_scores_decide_what_is_known_of_them() {
        let mark = |change: fn(&mut Limits)| {
            let mut limits = Limits::default();
            change(&mut limits);
            limits.of_scores_mark()
        };
        let usual = mark(|_| {});
        assert_ne!(mark(|limits| limits.notes_max -= 1), usual);
        assert_ne!(mark(|limits| std::mem::swap(&mut limits.parts_max, &mut limits.pieces_max)), usual);
        assert_eq!(mark(|limits| limits.tenant_items_per_day_max -= 1), usual);
    }

    #[test]
    fn names_follow_the_fields_and_are_unique() {
        let all = || LIMITS.iter().chain(FIXED);
        for (index, limit) in all().enumerate() {
            assert!(all().skip(index + 1).all(|other| other.name != limit.name));
        }
        for limit in LIMITS {
            assert_eq!(limit.env, format!("RIPIENO_{}", limit.name.to_uppercase()));
        }
    }
}
