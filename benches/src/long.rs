//! Long scores, made up: four parts in 4/4, and in each measure of each six eighths, two rests of an eighth, a slur, a staccato
//! and a dynamic. MIDI has of these the notes, and a syllable a measure.

use std::io::{self, Write};

/// A format that can be written.
pub struct Long {
    /// Its name.
    pub name: &'static str,
    /// The extension of its files.
    pub extension: &'static str,
}

/// Every format.
pub const FORMATS: [Long; 4] = [
    Long { name: "musicxml", extension: "musicxml" },
    Long { name: "kern", extension: "krn" },
    Long { name: "midi", extension: "mid" },
    Long { name: "abc", extension: "abc" },
];

/// Parts.
const PARTS: u32 = 4;
/// Notes of a measure.
const NOTES: u32 = 6;
/// The letters of the notes.
const LETTERS: [char; 7] = ['c', 'd', 'e', 'f', 'g', 'a', 'b'];

/// Writes a score of so many measures.
///
/// # Errors
/// When `out` cannot be written, or the format is none of [`FORMATS`].
pub fn write(format: &str, measures: u32, out: &mut dyn Write) -> io::Result<()> {
    match format {
        "musicxml" => musicxml(measures, out),
        "kern" => kern(measures, out),
        "midi" => midi(measures, out),
        "abc" => abc(measures, out),
        other => Err(io::Error::other(format!("{other} is not written here"))),
    }
}

/// Which of the seven letters a note has.
fn letter(part: u32, measure: u32, note: u32) -> usize {
    ((measure * 5 + note * 3 + part) % 7) as usize
}

fn musicxml(measures: u32, out: &mut dyn Write) -> io::Result<()> {
    writeln!(
        out,
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<score-partwise version=\"4.0\">\n<part-list>"
    )?;
    for part in 1..=PARTS {
        writeln!(out, "<score-part id=\"P{part}\"><part-name>{part}</part-name></score-part>")?;
    }
    writeln!(out, "</part-list>")?;
    for part in 1..=PARTS {
        writeln!(out, "<part id=\"P{part}\">")?;
        for measure in 1..=measures {
            xml_measure(part, measure, out)?;
        }
        writeln!(out, "</part>")?;
    }
    writeln!(out, "</score-partwise>")
}

fn xml_measure(part: u32, measure: u32, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "  <measure number=\"{measure}\">")?;
    if measure == 1 {
        let time = "<time>\n<beats>4</beats>\n<beat-type>4</beat-type>\n</time>";
        writeln!(out, "    <attributes>\n<divisions>2</divisions>\n{time}\n</attributes>")?;
    }
    let dynamics = "<direction-type>\n        <dynamics>\n          <p/>\n        </dynamics>";
    writeln!(
        out,
        "    <direction placement=\"below\">\n      {dynamics}\n      </direction-type>\n    </direction>"
    )?;
    let rest = "<rest/>\n      <duration>1</duration>\n      <voice>1</voice>\n      <type>eighth</type>";
    for note in 0..NOTES {
        let step = LETTERS[letter(part, measure, note)].to_ascii_uppercase();
        writeln!(out, "    <note default-x=\"{note}.5\">\n      <pitch>\n        <step>{step}</step>")?;
        writeln!(out, "        <octave>4</octave>\n      </pitch>\n      <duration>1</duration>")?;
        writeln!(out, "      <voice>1</voice>\n      <type>eighth</type>\n      <stem>up</stem>")?;
        let sign = match note {
            0 => "<slur type=\"start\" number=\"1\"/>",
            1 => "<slur type=\"stop\" number=\"1\"/>",
            2 => "<articulations>\n          <staccato/>\n        </articulations>",
            _ => "",
        };
        if !sign.is_empty() {
            writeln!(out, "      <notations>\n        {sign}\n      </notations>")?;
        }
        writeln!(out, "    </note>")?;
        if note % 3 == 2 {
            writeln!(out, "    <note>\n      {rest}\n    </note>")?;
        }
    }
    writeln!(out, "  </measure>")
}

/// What stands before and behind a letter, by note: a slur over the first two, a point at the third.
const SIGNS: [(&str, &str); NOTES as usize] = [("(", ""), ("", ")"), ("", "'"), ("", ""), ("", ""), ("", "")];

fn kern(measures: u32, out: &mut dyn Write) -> io::Result<()> {
    let columns = |cell: &str| vec![cell; PARTS as usize].join("\t");
    writeln!(out, "{}\t**dynam\n{}\t*", columns("**kern"), columns("*M4/4"))?;
    for measure in 1..=measures {
        writeln!(out, "{}\t={measure}", columns(&format!("={measure}")))?;
        for note in 0..NOTES {
            let (before, behind) = SIGNS[note as usize];
            for part in 0..PARTS {
                write!(out, "{before}8{}{behind}\t", LETTERS[letter(part, measure, note)])?;
            }
            writeln!(out, "{}", if note == 0 { "p" } else { "." })?;
            if note % 3 == 2 {
                writeln!(out, "{}\t.", columns("8r"))?;
            }
        }
    }
    writeln!(out, "{}\t==\n{}\t*-", columns("=="), columns("*-"))
}

fn abc(measures: u32, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "X:1\nT:Long\nM:4/4\nL:1/8\nK:C")?;
    for line in 0..measures.div_ceil(4) {
        for part in 0..PARTS {
            writeln!(out, "V:{}", part + 1)?;
            for measure in (line * 4..measures).take(4) {
                for note in 0..NOTES {
                    let (before, behind) = SIGNS[note as usize];
                    let before = if note == 0 { "!p!(" } else { before };
                    let (before, behind) = if behind == "'" { (".", "") } else { (before, behind) };
                    let rest = if note % 3 == 2 { "z" } else { "" };
                    write!(out, "{before}{}{behind}{rest}", LETTERS[letter(part, measure, note)])?;
                }
                write!(out, "|")?;
            }
            writeln!(out)?;
        }
    }
    Ok(())
}

fn midi(measures: u32, out: &mut dyn Write) -> io::Result<()> {
    out.write_all(b"MThd\0\0\0\x06\0\x01")?;
    out.write_all(&(PARTS as u16).to_be_bytes())?;
    out.write_all(&480_u16.to_be_bytes())?;
    for part in 0..PARTS {
        let mut track = Vec::new();
        for measure in 0..measures {
            if part == 0 {
                track.extend([0, 0xFF, 5, 2, b'l', b'a']);
            }
            for note in 0..NOTES {
                let key = 60 + 2 * letter(part, measure, note) as u8;
                // 240 ticks, as two bytes; the last note of a measure waits for two rests.
                let begins = if note > 0 || measure == 0 { &[0][..] } else { &[0x83, 0x60] };
                track.extend(begins);
                track.extend([0x90 | part as u8, key, 64, 0x81, 0x70, 0x80 | part as u8, key, 0]);
            }
        }
        track.extend([0, 0xFF, 0x2F, 0]);
        out.write_all(b"MTrk")?;
        out.write_all(&(track.len() as u32).to_be_bytes())?;
        out.write_all(&track)?;
    }
    Ok(())
}
