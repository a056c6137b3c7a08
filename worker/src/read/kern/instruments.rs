//! The General MIDI programs of Humdrum's instrument codes.

/// Codes and programs, from 1. A voice is the choir that sings "aah".
const PROGRAMS: [(&[u8], u8); 33] = [
    (b"piano", 1),
    (b"cemba", 7),
    (b"clavi", 8),
    (b"organ", 20),
    (b"accor", 22),
    (b"guitr", 25),
    (b"violn", 41),
    (b"viola", 42),
    (b"cello", 43),
    (b"cbass", 44),
    (b"arpa", 47),
    (b"timpa", 48),
    (b"vox", 53),
    (b"soprn", 53),
    (b"mezzo", 53),
    (b"alto", 53),
    (b"calto", 53),
    (b"tenor", 53),
    (b"barit", 53),
    (b"bass", 53),
    (b"tromp", 57),
    (b"tromt", 58),
    (b"tuba", 59),
    (b"cor", 61),
    (b"saxS", 65),
    (b"saxA", 66),
    (b"saxT", 67),
    (b"oboe", 69),
    (b"cangl", 70),
    (b"fagot", 71),
    (b"clars", 72),
    (b"picco", 73),
    (b"flt", 74),
];

/// The program of a code, if it is one of them.
pub(super) fn program(code: &[u8]) -> Option<u8> {
    PROGRAMS.iter().find(|(name, _)| *name == code).map(|(_, program)| *program)
}
