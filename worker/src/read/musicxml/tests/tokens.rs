//! Our tokens against quick-xml's events, token for token.

use super::super::encoding;
use super::super::tokens::{Token, Tokens};
use super::FIXTURES;
use proptest::prelude::*;
use quick_xml::Reader;
use quick_xml::events::Event;
use shared::limits::Limits;
use std::fs;
use std::io::{Cursor, Read};
use std::path::{Path, PathBuf};
use zip::ZipArchive;

/// How much of a member of an archive is looked at: some are bombs.
const DOCUMENT_BYTES_MAX: u64 = 1 << 20;

/// A token and what it says; a start tag's name stands apart.
type Said = (Token, Vec<u8>, Vec<u8>);

/// Gives so many bytes at a time, so that tokens lie across the ends of what was read.
struct Drip<'a>(&'a [u8], usize);

impl Read for Drip<'_> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let count = self.1.min(self.0.len()).min(into.len());
        let (given, rest) = self.0.split_at(count);
        into[..count].copy_from_slice(given);
        self.0 = rest;
        Ok(count)
    }
}

/// The tokens of a document, and whether it is whole.
fn ours(text: &[u8], drip: usize) -> (Vec<Said>, bool) {
    let mut tokens = Tokens::new(Box::new(Drip(text, drip)), &Limits::default());
    let mut said = Vec::new();
    loop {
        let content = match tokens.next(true) {
            Err(_) => return (said, false),
            Ok(Token::End) => return (said, true),
            Ok(token @ (Token::Close | Token::Other | Token::DocType)) => (token, Vec::new(), Vec::new()),
            Ok(token @ (Token::Open | Token::Empty)) => {
                (token, tokens.name().to_vec(), tokens.attributes().to_vec())
            }
            Ok(token) => (token, Vec::new(), tokens.content().to_vec()),
        };
        said.push(content);
    }
}

fn theirs(text: &[u8]) -> (Vec<Said>, bool) {
    let mut reader = Reader::from_reader(text);
    let mut said = Vec::new();
    loop {
        let tag = |token, tag: &quick_xml::events::BytesStart<'_>| {
            let name = tag.name().as_ref().to_vec();
            (token, name.clone(), tag[name.len()..].to_vec())
        };
        said.push(match reader.read_event() {
            Err(_) => return (said, false),
            Ok(Event::Eof) => return (said, true),
            Ok(Event::Start(start)) => tag(Token::Open, &start),
            Ok(Event::Empty(start)) => tag(Token::Empty, &start),
            Ok(Event::End(_)) => (Token::Close, Vec::new(), Vec::new()),
            Ok(Event::Text(text)) => (Token::Text, Vec::new(), text.to_vec()),
            Ok(Event::CData(text)) => (Token::Text, Vec::new(), text.to_vec()),
            Ok(Event::GeneralRef(name)) => (Token::Reference, Vec::new(), name.to_vec()),
            Ok(Event::DocType(_)) => (Token::DocType, Vec::new(), Vec::new()),
            Ok(_) => (Token::Other, Vec::new(), Vec::new()),
        });
    }
}

/// Holds one document against quick-xml's reading of it; says how many tokens it has.
fn agree(text: &[u8], drip: usize, name: &str) -> usize {
    let (ours, our_end) = ours(text, drip);
    let (theirs, their_end) = theirs(text);
    let differs = ours.iter().zip(&theirs).position(|(ours, theirs)| ours != theirs);
    if let Some(at) = differs {
        panic!("{name}: token {at} is {:?}, quick-xml's {:?}", ours[at], theirs[at]);
    }
    assert_eq!((ours.len(), our_end), (theirs.len(), their_end), "{name}");
    ours.len()
}

/// The documents in a source, as UTF-8 and without what XML forbids, which quick-xml lets pass.
fn documents(bytes: &[u8]) -> Vec<Vec<u8>> {
    let members: Vec<Vec<u8>> = match ZipArchive::new(Cursor::new(bytes)) {
        Err(_) => vec![bytes.to_vec()],
        Ok(mut archive) => (0..archive.len())
            .filter_map(|index| {
                let mut member = Vec::new();
                let mut file = archive.by_index(index).ok()?;
                let is_xml = file.name().is_ok_and(|name| name.ends_with("xml"));
                file.by_ref()
                    .take(DOCUMENT_BYTES_MAX)
                    .read_to_end(&mut member)
                    .ok()
                    .filter(|_| is_xml)
                    .map(|_| member)
            })
            .collect(),
    };
    let plain = members.iter().filter_map(|member| {
        let mut text = Vec::new();
        encoding::utf8(Box::new(&member[..])).ok()?.read_to_end(&mut text).ok()?;
        text.iter_mut()
            .filter(|byte| **byte < b' ' && !b"\r\n\t".contains(byte))
            .for_each(|byte| *byte = b'_');
        Some(text)
    });
    plain.collect()
}

#[test]
fn fixtures_are_the_same_tokens_to_quick_xml() {
    for (name, bytes) in FIXTURES {
        let documents = documents(bytes);
        for drip in [1, 7, 1 << 20] {
            let tokens: usize = documents.iter().map(|text| agree(text, drip, name)).sum();
            assert!(tokens > 50, "{name}: {tokens} tokens");
        }
    }
}

#[test]
fn markup_of_every_kind_is_the_same_to_quick_xml() {
    for text in [
        "<a><b/><c d='>' e=\"'>\"/><f\ng = '1'\t/></a >",
        "<a><!-- > -- --><![CDATA[<b>]]]>&]]><?x > ?></a>",
        "<!DOCTYPE a [<!ENTITY b '>'> <!-- ]> -->]><a>&b;&#65;&amp;</a>",
        "<a>&b</a>",
        "<a>&b&c;</a>",
        "<a></b>",
        "</a>",
        "<a></a></a>",
        "<a><b></a></b>",
        "<></>",
        "<a'>'></a'>'>",
        "<a/b></a/b><c//>< d></ d>",
        "<!x>",
        "<!-x-->",
        "<!",
        "<?",
        "<",
        "<a",
        "<a b='",
        "<a><!-- ",
        "&",
        "&;",
        "x&y;z",
        "<a#b></a#b>",
        "<abcdefgh></abcdefgh><abcdefghi/><abcdefg/>",
    ] {
        for drip in [1, 2, 3, 1 << 20] {
            agree(text.as_bytes(), drip, text);
        }
    }
}

fn files(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        let is_score =
            path.extension().is_some_and(|name| ["mxl", "musicxml", "xml"].iter().any(|x| name == *x));
        if path.is_dir() {
            files(&path, into);
        } else if is_score {
            into.push(path);
        }
    }
    into.sort();
}

/// Passes where there are no corpora beside the checkout: the fixtures are held against quick-xml anyway.
#[test]
fn the_corpora_are_the_same_tokens_to_quick_xml() {
    let mut paths = Vec::new();
    files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpora/dev"), &mut paths);
    if paths.is_empty() {
        return;
    }
    // One in forty, and all that are broken on purpose.
    let broken = |path: &Path| path.components().any(|part| part.as_os_str() == "malformed-derived");
    for (_, path) in paths.iter().enumerate().filter(|(at, path)| at.is_multiple_of(40) || broken(path)) {
        for text in documents(&fs::read(path).unwrap()) {
            agree(&text, 5000, &path.display().to_string());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_markup_is_the_same_to_quick_xml(
        parts in proptest::collection::vec("[<>/&;'\" !\\[\\]?a=-]{1,6}|</a>|<a>|<abcdefghij |<!--|-->|<!DOCTYPE |&lt;|]]>|<!\\[CDATA\\[", 0..12),
        drip in 1..40_usize,
    ) {
        let text = parts.concat();
        agree(text.as_bytes(), drip, &text);
    }
}
