//! Mutations of scores: some blind, some that know what a format's units are.

/// Numbers at which arithmetic on input goes wrong.
const NUMBERS: &[&str] = &[
    "0",
    "-1",
    "1",
    "127",
    "128",
    "255",
    "256",
    "32768",
    "65535",
    "65536",
    "2147483647",
    "2147483648",
    "4294967296",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775808",
    "1e308",
    "0.0001",
    "99999999999999999999999999",
    "1/0",
    "%",
];

/// Pieces of each format that a blind mutation would hardly hit on.
const WORDS: &[(&str, &[&[u8]])] = &[
    (
        "abc",
        &[
            b"X:1\n",
            b"K:C\n",
            b"M:0/0\n",
            b"M:none\n",
            b"L:1/0\n",
            b"V:2\n",
            b"&",
            b"(3",
            b"(9:1:9",
            b"[",
            b"]",
            b"{",
            b"}",
            b"-",
            b"|:",
            b":|",
            b"|1",
            b"[2",
            b"z99",
            b"Z99",
            b"w:a-b*\n",
            b"%%MIDI transpose 99\n",
            b"Q:1/0=0\n",
            b"[K:Hp]",
            b"^^",
            b"__",
            b",,,,,,,,",
            b"''''''''",
            b"!",
            b"\"",
            b"y",
            b"\\\n",
            b"P:A\n",
            b"\n\n",
        ],
    ),
    (
        "kern",
        &[
            b"*^\t*^\n",
            b"*v\t*v\n",
            b"*x\t*x\n",
            b"*+\n",
            b"*-\t*-\n",
            b"*\t*\n",
            b"**kern\t**kern\n",
            b"=\t=\n",
            b"=0\t=0\n",
            b".\t.\n",
            b"4%0c",
            b"0c",
            b"00c",
            b"3%2c",
            b"4.....c",
            b"q",
            b"[",
            b"]",
            b"_",
            b"4c 4e",
            b"*M0/0",
            b"*M4/0",
            b"*MM0",
            b"*k[f#c#g#d#a#e#b#]",
            b"!!!OTL: x\n",
            b"*Tr+99-99",
            b"*staff9",
            b"\t",
            b"\t\t\t",
            b"r",
            b"yy",
        ],
    ),
    (
        "midi",
        &[
            b"MTrk\0\0\0\x04\0\xFF\x2F\0",
            b"MThd\0\0\0\x06\0\x01\0\x01\x80\x80",
            b"\0\xFF\x2F\0",
            b"\0\xFF\x51\x03\0\0\0",
            b"\0\xFF\x58\x04\0\0\0\0",
            b"\0\xFF\x58\x04\xFF\xFF\x18\x08",
            b"\0\xFF\x59\x02\x80\x02",
            b"\0\xF0\x7F",
            b"\0\xF7",
            b"\xFF\xFF\xFF\x7F",
            b"\xFF\xFF\xFF\xFF\xFF",
            b"\0\x90\x3C\x40",
            b"\0\x80\x3C\0",
            b"\0\x99\x23\x7F",
            b"\0\xC0\x7F",
        ],
    ),
    (
        "musicxml",
        &[
            b"<note>",
            b"</note>",
            b"<chord/>",
            b"<grace/>",
            b"<cue/>",
            b"<rest measure=\"yes\"/>",
            b"<backup><duration>9",
            b"</duration></backup>",
            b"<forward>",
            b"<divisions>0</divisions>",
            b"<dot/>",
            b"<unpitched/>",
            b"<![CDATA[",
            b"]]>",
            b"<!--",
            b"-->",
            b"<!DOCTYPE a [<!ENTITY b \"&b;\">]>",
            b"&b;",
            b"&#0;",
            b"&amp;",
            b"<part id=\"P1\">",
            b"<measure number=\"1\">",
            b"</measure>",
            b"<time><senza-misura/></time>",
            b"<beats>3+2</beats>",
            b"<alter>0.5</alter>",
            b"<tie type=\"start\"/>",
            b"<transpose><chromatic>",
            b"<voice>99999</voice>",
            b"<staff>0</staff>",
            b"encoding=\"UTF-16\"",
        ],
    ),
];

/// What no input grows past.
const BYTES_MAX: usize = 128 << 10;

/// Pseudorandom numbers (SplitMix64), the same from the same seed on every machine.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`; 0 below 0.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        (self.next() % (end.max(1) as u64)) as usize
    }

    /// One of them.
    pub(crate) fn one<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }

    /// A range of at most `most` bytes in so many.
    fn range(&mut self, length: usize, most: usize) -> std::ops::Range<usize> {
        let from = self.below(length);
        from..(from + 1 + self.below(most)).min(length)
    }
}

/// A seed with one to eight mutations, some of which take from the other seed.
pub(crate) fn mutate(format: &str, seed: &[u8], other: &[u8], random: &mut Random) -> Vec<u8> {
    let mut bytes = seed.to_vec();
    for _ in 0..1 << random.below(4) {
        if random.below(2) == 0 {
            blind(&mut bytes, other, random)
        } else {
            knowing(format, &mut bytes, other, random)
        }
    }
    bytes.truncate(BYTES_MAX);
    if format == "midi" && random.below(2) == 0 {
        mend_chunks(&mut bytes);
    }
    bytes
}

/// A mutation of bytes.
fn blind(bytes: &mut Vec<u8>, other: &[u8], random: &mut Random) {
    let length = bytes.len();
    match random.below(7) {
        _ if length == 0 => bytes.extend_from_slice(&other[..other.len().min(64)]),
        0 => bytes[random.below(length)] ^= 1 << random.below(8),
        1 => bytes[random.below(length)] = *random.one(&[0, 1, 0x7F, 0x80, 0xFF, b' ', b'\n', b'\t', b'\r']),
        2 => drop(bytes.drain(random.range(length, 64))),
        3 => bytes.truncate(random.below(length)),
        4 => insert(bytes, random.below(length), other, random, 256),
        5 => {
            let range = random.range(length, 64);
            let copy = bytes[range].repeat(1 << random.below(6));
            let at = random.below(length);
            bytes.splice(at..at, copy);
        }
        _ => bytes.swap(random.below(length), random.below(length)),
    }
}

fn insert(bytes: &mut Vec<u8>, at: usize, other: &[u8], random: &mut Random, most: usize) {
    if !other.is_empty() {
        let range = random.range(other.len(), most);
        bytes.splice(at..at, other[range].iter().copied());
    }
}

/// A mutation of what the format is made of: its words, its numbers, its lines or tags.
fn knowing(format: &str, bytes: &mut Vec<u8>, other: &[u8], random: &mut Random) {
    let mark = match format {
        "musicxml" => b'<',
        "midi" => 0,
        _ => b'\n',
    };
    let units = starts(bytes, mark);
    let unit = |random: &mut Random| {
        let index = random.below(units.len() - 1);
        let last = (index + 1 + random.below(4)).min(units.len() - 1);
        units[index]..units[last]
    };
    match random.below(5) {
        0 => {
            let words = WORDS.iter().find(|(name, _)| *name == format).map_or(&[][..], |(_, words)| words);
            let at = random.below(bytes.len() + 1);
            bytes.splice(at..at, random.one(words).iter().copied());
        }
        1 if format != "midi" => number(bytes, random),
        1 | 2 => drop(bytes.drain(unit(random))),
        3 => {
            let copy = bytes[unit(random)].to_vec();
            let at = *random.one(&units);
            bytes.splice(at..at, copy.repeat(1 << random.below(8)));
        }
        _ => {
            let theirs = starts(other, mark);
            let from = random.below(theirs.len() - 1);
            let to = (from + 1 + random.below(8)).min(theirs.len() - 1);
            let at = *random.one(&units);
            bytes.splice(at..at, other[theirs[from]..theirs[to]].iter().copied());
        }
    }
    bytes.truncate(4 * BYTES_MAX);
}

/// Where the units start, and the end: at least the two ends.
fn starts(bytes: &[u8], mark: u8) -> Vec<usize> {
    let inner = (1..bytes.len()).filter(|&at| bytes[at] == mark);
    [0].into_iter().chain(inner).chain([bytes.len()]).collect()
}

/// Puts another number in the place of one.
fn number(bytes: &mut Vec<u8>, random: &mut Random) {
    let from = random.below(bytes.len());
    let Some(at) = (from..bytes.len()).find(|&at| bytes[at].is_ascii_digit()) else { return };
    let end = (at..bytes.len()).find(|&end| !bytes[end].is_ascii_digit()).unwrap_or(bytes.len());
    bytes.splice(at..end, random.one(NUMBERS).bytes());
}

/// Makes the length of each chunk of a MIDI file right again, so that what is inside is read.
fn mend_chunks(bytes: &mut [u8]) {
    let chunks: Vec<usize> =
        (0..bytes.len().saturating_sub(7)).filter(|&at| bytes[at..].starts_with(b"MTrk")).collect();
    for (index, &at) in chunks.iter().enumerate() {
        let end = chunks.get(index + 1).copied().unwrap_or(bytes.len());
        let length = (end.saturating_sub(at + 8)) as u32;
        bytes[at + 4..at + 8].copy_from_slice(&length.to_be_bytes());
    }
}
