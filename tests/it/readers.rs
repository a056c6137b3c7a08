//! What holds of every reader, whichever it is: each test walks the fixtures of one format, so that a fixture that is
//! added is tested without a word here, and each file of the derived corpus of broken scores.

use shared::failure::FailureKind;
use shared::limits::Limits;
use std::fs;
use std::path::PathBuf;
use tests::promises::{keeps_its_promises, small, survives, ways};
use tests::{Reading, data, files_under, head, read, read_with};
use worker::read::{READERS, ReadOptions, ScoreReader};
use worker::score::{Score, Unit};

/// One test of each kind for each format, so that each format fails for itself.
macro_rules! formats {
    ($($format:ident in $corpus:literal),+) => {$(
        mod $format {
            const FORMAT: &str = stringify!($format);

            #[test]
            fn fixtures_are_recognised_by_their_reader_alone() {
                super::recognised(FORMAT);
            }

            #[test]
            fn fixtures_have_an_origin() {
                super::origins(FORMAT);
            }

            #[test]
            fn fixtures_are_read_whole_and_the_scores_keep_their_promises() {
                super::whole(FORMAT);
            }

            #[test]
            fn mangled_fixtures_give_a_score_or_a_failure_with_a_place() {
                super::mangled(FORMAT);
            }

            #[test]
            fn what_fuzzing_found_is_survived() {
                super::damaged(FORMAT);
            }

            #[test]
            fn fixtures_with_too_many_notes_are_refused_there() {
                super::limited(FORMAT);
            }

            #[test]
            fn broken_scores_are_borne_or_refused_but_not_passed_over() {
                super::corpus($corpus);
            }
        }
    )+};
}

formats!(midi in "mid", musicxml in "musicxml", kern in "krn", abc in "abc");

#[test]
fn every_format_has_its_folder_and_no_other_is_there() {
    let mut folders: Vec<String> = fs::read_dir(data().join("scores"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    let mut formats: Vec<&str> = READERS.iter().map(|reader| reader.format().name).collect();
    folders.sort();
    formats.sort_unstable();
    assert_eq!(folders, formats);
}

/// A score of the fixtures.
struct Fixture {
    path: PathBuf,
    name: String,
    bytes: Vec<u8>,
}

impl Fixture {
    fn is_broken(&self) -> bool {
        self.name.contains("broken")
    }
}

/// The fixtures of a format: all in its folder but its texts and the programs that write them.
fn fixtures(format: &str) -> Vec<Fixture> {
    let paths = files_under(&data().join("scores").join(format)).into_iter();
    let paths =
        paths.filter(|path| path.extension().is_none_or(|extension| extension != "md" && extension != "py"));
    let fixtures: Vec<Fixture> = paths
        .map(|path| Fixture {
            name: path.file_name().unwrap().to_str().expect("names are UTF-8").to_owned(),
            bytes: fs::read(&path).unwrap(),
            path,
        })
        .collect();
    assert!(!fixtures.is_empty(), "{format} has no fixtures");
    fixtures
}

fn reader(format: &str) -> &'static dyn ScoreReader {
    *READERS.iter().find(|reader| reader.format().name == format).expect("there is a reader of that name")
}

fn recognised(format: &str) {
    for fixture in fixtures(format) {
        let readers = READERS.iter().filter(|reader| reader.recognises(head(&fixture.bytes)));
        let names: Vec<&str> = readers.map(|reader| reader.format().name).collect();
        assert_eq!(names, [format], "{}", fixture.path.display());
    }
}

fn origins(format: &str) {
    let text = fs::read_to_string(data().join("scores").join(format).join("ORIGIN.md")).unwrap();
    for fixture in fixtures(format) {
        let line = format!("`{}`", fixture.name);
        assert!(text.lines().any(|known| known.contains(&line)), "{line} has no line in ORIGIN.md");
    }
}

fn whole(format: &str) {
    let options = ReadOptions::default();
    for fixture in fixtures(format) {
        let name = &fixture.name;
        let reading = read_with(reader(format), &fixture.bytes, &options);
        assert_eq!(reading.is_whole(), !fixture.is_broken(), "{name}: {:?}", failures(&reading));
        for unit in Unit::ALL {
            let read: u64 = reading.scores.iter().map(|score| score.conservation[unit as usize].read).sum();
            assert_eq!(reading.told[unit as usize], read, "{name}: {} told and read", unit.name());
        }
        for score in &reading.scores {
            keeps_its_promises(score, name);
            for count in score.conservation.iter().filter(|_| !fixture.is_broken()) {
                assert_eq!(
                    count.declared.unwrap_or(count.read),
                    count.read,
                    "{name}: lost {:?}",
                    score.warnings
                );
            }
        }
        let again = read_with(reader(format), &fixture.bytes, &options);
        assert_eq!(format!("{:?}", again.scores), format!("{:?}", reading.scores), "{name}: read twice");
    }
}

/// What was damaged or failed.
fn failures(reading: &Reading) -> Vec<String> {
    let damage = reading.scores.iter().filter_map(|score| score.damage.as_ref());
    damage.chain(&reading.failure).map(ToString::to_string).collect()
}

/// Reads each fixture under a limit that it passes, if it has a piece of as many notes and rests.
fn limited(format: &str) {
    let options =
        ReadOptions { limits: Limits { notes_max: 3, ..Limits::default() }, ..ReadOptions::default() };
    for fixture in fixtures(format) {
        let whole = read_with(reader(format), &fixture.bytes, &ReadOptions::default());
        let reading = read_with(reader(format), &fixture.bytes, &options);
        let size = |score: &Score| score.notes.len() + score.rests.len();
        assert!(reading.scores.iter().all(|score| size(score) <= 3), "{}", fixture.name);
        if whole.scores.iter().any(|score| size(score) > 3) {
            let kind = reading.failure.map(|failure| failure.kind);
            assert_eq!(kind, Some(FailureKind::TooLarge), "{}", fixture.name);
        }
    }
}

/// Reads what the fuzzer once found, under the limits that it was found under, in every way that it may have been read.
fn damaged(format: &str) {
    let folder = data().join("damage").join(format);
    for path in folder.is_dir().then(|| files_under(&folder)).into_iter().flatten() {
        let bytes = fs::read(&path).unwrap();
        for way in ways(format) {
            let (fidelity, midi) = (way.fidelity.name(), way.midi.text().unwrap_or_default());
            survives(reader(format), &bytes, &way, &format!("{} {fidelity} {midi}", path.display()));
        }
    }
}

/// Cuts and flips each fixture, a short one at every byte, a long one at every 64th and 97th.
fn mangled(format: &str) {
    let options = small();
    for fixture in fixtures(format) {
        let length = fixture.bytes.len();
        for cut in (0..length).step_by((length / 64).clamp(1, 64)) {
            survives(
                reader(format),
                &fixture.bytes[..cut],
                &options,
                &format!("{} cut at {cut}", fixture.name),
            );
        }
        for at in (0..length).step_by((length / 97).clamp(1, 97)) {
            for mask in [0xFF, 1 << (at % 8)] {
                let mut bytes = fixture.bytes.clone();
                bytes[at] ^= mask;
                survives(
                    reader(format),
                    &bytes,
                    &options,
                    &format!("{} with byte {at} ^ {mask:#x}", fixture.name),
                );
            }
        }
    }
}

/// Reads the broken scores of one folder of the derived corpus, each of which says what is expected of it.
fn corpus(folder: &str) {
    let Some(corpora) = tests::corpora() else { return };
    let broken = corpora.join("malformed-derived");
    let options = ReadOptions::default();
    let mut faults = Vec::new();
    for row in fs::read_to_string(broken.join("EXPECT.tsv")).unwrap().lines().skip(1) {
        let [file, expect, what, base] = row.split('\t').collect::<Vec<_>>()[..] else { panic!("{row}") };
        if !file.starts_with(&format!("{folder}/")) {
            continue;
        }
        let reading = read(&fs::read(broken.join(file)).unwrap(), file, &options);
        let warned = reading.scores.iter().any(|score| score.warning_count > 0);
        let good = match expect {
            "ok" => reading.is_whole(),
            // What came before the fault, or beside it, may be kept, as damaged.
            "reject" => !reading.is_whole(),
            // Without a word only if nothing is missing, by the reader's own second count or by the sound score's.
            "lenient" => {
                let base = || read(&fs::read(corpora.join(base)).unwrap(), base, &options);
                let counted = !reading.scores.is_empty()
                    && reading.scores.iter().all(|score| {
                        let notes = score.conservation[Unit::Notes as usize];
                        notes.declared == Some(notes.read)
                    });
                !reading.is_whole() || warned || counted || reading.notes() == base().notes()
            }
            _ => panic!("{row}"),
        };
        if !good {
            faults.push(format!("{file}: {expect}, as {what}; {:?}", failures(&reading)));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
