//! The reader against whole files: the fixtures, and the corpora beside the project where they are.

use super::super::{Fidelity, ReadError, ScoreReader};
use super::Abc;
use super::tests::read;
use std::fs;
use std::path::{Path, PathBuf};

fn files(folder: &Path, abc: bool, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            files(&path, abc, into);
        } else if path.extension().is_some_and(|extension| extension == "abc") == abc {
            into.push(path);
        }
    }
    into.sort();
}

/// The files below a folder of the project, those of ABC or all others, with their text.
fn below(project: &str, abc: bool) -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(project);
    let mut paths = Vec::new();
    files(&folder, abc, &mut paths);
    paths.iter().map(|path| (path.to_string_lossy().into_owned(), fs::read(path).unwrap())).collect()
}

#[test]
fn fixtures_are_read_whole() {
    let fixtures = below("tests/data/scores/abc", true);
    assert!(fixtures.len() >= 8);
    for (name, text) in fixtures {
        assert!(Abc.recognises(&text), "{name}");
        let (scores, error) = read(&text, Fidelity::Corrected);
        assert!(error.is_none(), "{name}");
        for (index, score) in scores.iter().enumerate() {
            let broken =
                name.ends_with("damage-broken.abc") || name.ends_with("tunebook-broken.abc") && index == 2;
            assert_eq!(score.damage.is_some(), broken, "{name} {index}: {:?}", score.damage);
            let whole = score.conservation.iter().all(|count| count.declared == Some(count.read));
            assert!(whole || broken, "{name} {index}: {:?}", score.conservation);
        }
    }
}

#[test]
fn fixtures_that_are_cut_or_bent_are_read_as_far_as_they_go() {
    for (name, text) in below("tests/data/scores/abc", true) {
        for end in 0..text.len() {
            let mut bent = text.clone();
            bent[end] ^= 1 << (end % 8);
            for text in [&text[..end], &bent] {
                let (scores, error) = read(text, Fidelity::Corrected);
                let refused = matches!(error, Some(ReadError::Malformed(_)));
                assert_eq!(refused, scores.is_empty(), "{name} at {end}: {error:?}");
            }
        }
    }
}

#[test]
#[allow(clippy::print_stdout, reason = "a skipped test says so")]
fn corpora_are_read_whole() {
    let corpora = below("../shared/corpora/dev", true);
    if corpora.is_empty() {
        println!("skipped: no corpora beside the project");
        return;
    }
    for (name, text) in corpora.iter().filter(|(name, _)| !name.contains("malformed")) {
        assert!(Abc.recognises(&text[..text.len().min(4096)]), "{name}");
        let (scores, error) = read(text, Fidelity::Corrected);
        assert!(error.is_none() && !scores.is_empty(), "{name}");
        for score in scores {
            assert_eq!(score.damage, None, "{name}");
            assert!(score.conservation.iter().all(|count| count.declared == Some(count.read)), "{name}");
        }
    }
}

#[test]
fn no_file_of_another_format_is_recognised() {
    for (name, text) in below("tests/data/scores", false).iter().chain(&below("../shared/corpora/dev", false))
    {
        assert!(!Abc.recognises(&text[..text.len().min(4096)]), "{name}");
    }
}
