//! Compressed scores, sound, odd and hostile.

use super::{NOTE, measure, read, read_with, whole};
use crate::read::ReadOptions;
use shared::failure::FailureKind;
use shared::limits::Limits;
use std::io::{Cursor, Write};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

/// An archive of these members.
fn archive(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in members {
        writer.start_file(*name, SimpleFileOptions::default()).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

#[test]
fn archives_are_opened_with_suspicion() {
    let text = measure(NOTE);
    let score = ("score.musicxml", text.as_bytes());
    assert_eq!(whole(&archive(&[("notes.txt", b"x"), score])).notes.len(), 1, "no container");

    let container =
        |path: &str| format!("<container><rootfiles><rootfile full-path='{path}'/></rootfiles></container>");
    let failure = |members: &[(&str, &[u8])]| read(&archive(members)).1.unwrap();
    let gone = failure(&[("META-INF/container.xml", container("gone.xml").as_bytes()), score]);
    assert!(gone.message.contains("\"gone.xml\""), "{gone}");
    let outside = container("../../evil.xml");
    let outside =
        failure(&[("META-INF/container.xml", outside.as_bytes()), ("../../evil.xml", text.as_bytes())]);
    assert!(outside.message.contains("outside"), "{outside}");
    assert_eq!(failure(&[("cover.pdf", b"x")]).kind, FailureKind::Unsupported);

    let mut bytes = archive(&[score]);
    for (header, method) in [(&b"PK\x03\x04"[..], 8), (b"PK\x01\x02", 10)] {
        let at = memchr::memmem::find(&bytes, header).unwrap();
        bytes[at + method] = 12; // bzip2
    }
    assert_eq!(read(&bytes).1.unwrap().kind, FailureKind::Unsupported);

    let bytes = archive(&[score, ("b", b""), ("c", b"")]);
    assert_eq!(read(&bytes[..bytes.len() - 30]).1.unwrap().kind, FailureKind::Malformed, "cut off");
    let zeros = format!("{text}<!--{}-->", " ".repeat(1 << 20));
    let bomb = archive(&[("score.xml", zeros.as_bytes())]);
    for (limits, name) in [
        (Limits { archive_entries_max: 2, ..Limits::default() }, "archive_entries_max"),
        (Limits { inflated_bytes_max: 200, ..Limits::default() }, "inflated_bytes_max"),
        (Limits { inflate_ratio_max: 1, ..Limits::default() }, "inflate_ratio_max"),
    ] {
        let source = if name == "archive_entries_max" { &bytes } else { &bomb };
        let (_, failure) = read_with(source, &ReadOptions { limits, ..ReadOptions::default() });
        let failure = failure.unwrap();
        assert!(failure.kind == FailureKind::TooLarge && failure.message.contains(name), "{failure}");
    }
}
