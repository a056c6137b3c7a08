//! What a score says, a line for each thing, for the pages of the formats to quote.

use shared::limits::Limits;
use tests::read;
use worker::read::ReadOptions;
use worker::score::{Flags, Note, Repeats, Rest, Score, Unit, laid_out};

/// What was read of a file.
pub(super) fn of(bytes: &[u8], name: &str) -> Vec<String> {
    let reading = read(bytes, name, &ReadOptions::default());
    let mut facts = Vec::new();
    if reading.scores.len() != 1 {
        facts.push(counted(reading.scores.len() as u64, "piece"));
    }
    for score in &reading.scores {
        about(score, &mut facts);
        times(score, &mut facts);
        facts.extend(score.notes.iter().map(note));
        facts.extend(score.rests.iter().map(rest));
        words(score, &mut facts);
        played(score, &mut facts);
        facts.extend(score.damage.iter().map(|damage| format!("damage: {damage}")));
        facts.extend(score.warnings.iter().map(|warning| format!("warning: {}", warning.message)));
    }
    facts.extend(reading.failure.iter().map(|failure| format!("refused: {failure}")));
    facts
}

/// Whether a claim is one of the facts, or whole words at the start or inside of one; `no ` turns it round.
pub(super) fn hold(facts: &[String], claim: &str) -> bool {
    if let Some(claim) = claim.strip_prefix("no ") {
        // What a warning happens to speak of is no such thing.
        let is_said =
            |fact: &&String| !["warning", "damage", "refused"].iter().any(|said| fact.starts_with(said));
        let is_of_words =
            claim.starts_with("warning") || claim.starts_with("damage") || claim.starts_with("refused");
        let facts: Vec<String> = facts.iter().filter(|fact| is_of_words || is_said(fact)).cloned().collect();
        return !hold(&facts, claim);
    }
    let is_end =
        |next: Option<char>| next.is_none_or(|next| !next.is_alphanumeric() && !"/#+-".contains(next));
    let is_start = |before: Option<char>| before.is_none_or(|before| before == ' ');
    facts.iter().any(|fact| {
        fact.match_indices(claim).any(|(at, _)| {
            let (before, rest) = fact.split_at(at);
            is_start(before.chars().next_back()) && is_end(rest[claim.len()..].chars().next())
        })
    })
}

/// Whether a document has an element, as bytes of any encoding that keeps ASCII, or of two bytes a letter.
pub(super) fn has_element(text: &str, element: &str) -> bool {
    let plain: String = text.chars().filter(|&letter| letter != '\0').collect();
    [">", " ", "/", "\n", "\r"].iter().any(|end| plain.contains(&format!("<{element}{end}")))
}

fn counted(count: u64, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

fn about(score: &Score, facts: &mut Vec<String>) {
    for (field, text) in &score.fields {
        facts.push(format!("{}: {text}", format!("{field:?}").to_lowercase()));
    }
    for (unit, name) in Unit::ALL.into_iter().zip(["note", "rest", "measure", "part"]) {
        facts.push(counted(score.conservation[unit as usize].read, name));
    }
    for (part, index) in score.parts.iter().zip(1..) {
        let mut fact = format!("part {index}");
        for (what, text) in [("name", &part.name), ("instrument", &part.instrument)] {
            fact += &text.as_ref().map_or(String::new(), |text| format!(" {what} {text:?}"));
        }
        fact += &part.program.map_or(String::new(), |program| format!(" program {program}"));
        facts.push(format!("{fact} staves {} lasts {}", part.staves, part.duration));
    }
    facts.extend(score.division.map(|division| format!("division {division}")));
}

fn times(score: &Score, facts: &mut Vec<String>) {
    for measure in &score.measures {
        let number = score.number(measure);
        let (part, onset, duration) = (measure.part + 1, measure.onset, measure.duration);
        facts.push(format!("measure {number} of part {part} at {onset} lasts {duration}"));
    }
    for meter in &score.meters {
        facts.push(format!("meter {} at {} of part {}", meter.text(), meter.onset, meter.part + 1));
    }
    for key in &score.keys {
        let mode = key.mode.map_or("", |mode| mode.name());
        let fact = format!("key {} {mode} at {} of part {}", key.fifths, key.onset, key.part + 1);
        facts.push(fact.replace("  ", " "));
    }
    for tempo in &score.tempi {
        facts.push(format!(
            "tempo {} at {}",
            (tempo.quarters_per_minute * 100.0).round() / 100.0,
            tempo.onset
        ));
    }
}

const FLAGS: [(Flags, &str); 9] = [
    (Flags::CHORD, "chord"),
    (Flags::GRACE, "grace"),
    (Flags::CUE, "cue"),
    (Flags::TIE_START, "tie-start"),
    (Flags::TIE_STOP, "tie-stop"),
    (Flags::UNPITCHED, "unpitched"),
    (Flags::HIDDEN, "hidden"),
    (Flags::ROUNDED, "rounded"),
    (Flags::WHOLE_MEASURE, "whole-measure"),
];

fn flags(flags: Flags) -> String {
    FLAGS.iter().filter(|(flag, _)| flags.has(*flag)).map(|(_, name)| format!(" {name}")).collect()
}

fn note(note: &Note) -> String {
    let mut fact = format!("note {} at {} lasts {}", note.written, note.onset, note.duration);
    fact += &flags(note.flags);
    if note.transpose != 0 {
        fact += &format!(" sounds {}", note.sounding());
    }
    format!("{fact} part {} voice {} staff {}", note.part + 1, note.voice, note.staff)
}

fn rest(rest: Rest) -> String {
    let (onset, duration, flags) = (rest.onset, rest.duration, flags(rest.flags));
    format!(
        "rest at {onset} lasts {duration}{flags} part {} voice {} staff {}",
        rest.part + 1,
        rest.voice,
        rest.staff
    )
}

fn words(score: &Score, facts: &mut Vec<String>) {
    for word in &score.annotations {
        let number = if word.number == 1 { String::new() } else { format!(" number {}", word.number) };
        let (kind, text) = (word.kind.name(), score.text(word));
        facts.push(format!(
            "{kind} {text:?} at {}{number} part {} staff {}",
            word.onset,
            word.part + 1,
            word.staff
        ));
    }
}

/// Which measures are played, by their numbers, where signs say more than to go on.
fn played(score: &Score, facts: &mut Vec<String>) {
    for repeats in [Repeats::Expanded, Repeats::Once] {
        let laid = laid_out(score.clone(), repeats, &Limits::default()).expect("fixtures are short");
        if laid.measures == score.measures {
            continue;
        }
        let lead = laid.measures.iter().filter(|measure| measure.part == 0);
        let numbers = lead.map(|measure| laid.number(measure));
        facts.push(format!("{}: {}", repeats.name(), numbers.collect::<Vec<_>>().join(" ")));
        let odd = laid.warnings.iter().skip(score.warnings.len());
        facts.extend(odd.map(|warning| format!("{}: warning: {}", repeats.name(), warning.message)));
    }
}
