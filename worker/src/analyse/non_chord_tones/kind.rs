//! Which kind of non-chord tone: by how it is come to and how it is left.

use serde::Serialize;

/// The kinds, in the order of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Kind {
    /// Step in, step out, onwards.
    Passing,
    /// Step in, step back.
    Neighbour,
    /// Upper and lower neighbour, one after the other, before the tone comes back.
    DoubleNeighbour,
    /// Held or struck again over another chord, falling by step.
    Suspension,
    /// The same, rising by step.
    Retardation,
    /// Leap in or out of silence, step out.
    Appoggiatura,
    /// It belongs to the next chord, in which it stays or is struck again.
    Anticipation,
    /// Step in, leap out.
    EscapeTone,
    /// Step, leap of a third in the same direction, step back.
    Cambiata,
    /// It stays, or is struck again, while chords change around it, and moves nowhere.
    Pedal,
    /// None of these.
    Other,
}

impl Kind {
    pub(super) const ALL: [Kind; 11] = [
        Kind::Passing,
        Kind::Neighbour,
        Kind::DoubleNeighbour,
        Kind::Suspension,
        Kind::Retardation,
        Kind::Appoggiatura,
        Kind::Anticipation,
        Kind::EscapeTone,
        Kind::Cambiata,
        Kind::Pedal,
        Kind::Other,
    ];
}

/// How a tone that does not belong to its chord stands in its line. Distances are in semitones, upwards positive, and of
/// what is joined without a rest.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Course {
    /// Whether it belonged to the chord of before, as a held tone or as one struck again.
    pub(super) prepared: bool,
    /// Whether it belongs to the chord that comes while it is still held or is struck again.
    pub(super) settles: bool,
    /// From the tone before to this one.
    pub(super) came: Option<i32>,
    /// From this one to the next.
    pub(super) goes: Option<i32>,
    /// From this one to the one after the next.
    pub(super) goes_then: Option<i32>,
    /// From the tone before the one before to this one.
    pub(super) came_earlier: Option<i32>,
}

impl Course {
    pub(super) fn kind(self) -> Kind {
        let step = |distance: Option<i32>| distance.filter(|distance| matches!(distance.abs(), 1 | 2));
        let third = |distance: i32| matches!(distance.abs(), 3 | 4);
        if self.prepared {
            // An ornament may stand between a suspension and its resolution.
            let resolved = step(self.goes).or(step(self.goes_then).filter(|then| *then < 0));
            return match resolved {
                _ if self.settles => Kind::Pedal,
                Some(down) if down < 0 => Kind::Suspension,
                Some(_) => Kind::Retardation,
                None => Kind::Pedal,
            };
        }
        if self.settles {
            return Kind::Anticipation;
        }
        match (step(self.came), step(self.goes)) {
            (Some(came), Some(goes)) if (came > 0) == (goes > 0) => Kind::Passing,
            (Some(_), Some(_)) => Kind::Neighbour,
            (Some(came), None) => match (self.goes, self.goes_then) {
                (Some(goes), Some(then)) if third(goes) && then == -came => Kind::DoubleNeighbour,
                (Some(goes), Some(then))
                    if third(goes) && (goes > 0) == (came > 0) && is_back(then - goes, goes) =>
                {
                    Kind::Cambiata
                }
                (Some(_), _) => Kind::EscapeTone,
                (None, _) => Kind::Other,
            },
            (None, Some(goes)) => match (self.came, self.came_earlier) {
                (Some(came), Some(earlier)) if third(came) && earlier == -goes => Kind::DoubleNeighbour,
                _ => Kind::Appoggiatura,
            },
            (None, None) => Kind::Other,
        }
    }
}

/// Whether a distance is a step against the direction of another.
fn is_back(distance: i32, other: i32) -> bool {
    matches!(distance.abs(), 1 | 2) && (distance > 0) != (other > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Definitions of Kostka and Payne, Tonal Harmony, chapters 11 and 12.
    #[test]
    fn kinds_are_told_by_approach_and_departure() {
        let course = |came, goes| Course { came: Some(came), goes: Some(goes), ..Course::default() };
        let cases = [
            (course(2, 2), Kind::Passing),
            (course(-1, -1), Kind::Passing),
            (course(2, -2), Kind::Neighbour),
            (course(5, -2), Kind::Appoggiatura),
            (course(2, -3), Kind::EscapeTone),
            (course(7, 5), Kind::Other),
            (Course { goes_then: Some(-2), ..course(-2, -3) }, Kind::Cambiata),
            (Course { goes_then: Some(-2), ..course(2, -3) }, Kind::DoubleNeighbour),
            (Course { came_earlier: Some(-1), ..course(-3, 1) }, Kind::DoubleNeighbour),
            (Course { settles: true, ..course(-2, 0) }, Kind::Anticipation),
            (Course { prepared: true, ..course(0, -2) }, Kind::Suspension),
            (Course { prepared: true, goes_then: Some(-1), ..course(0, -5) }, Kind::Suspension),
            (Course { prepared: true, ..course(0, 1) }, Kind::Retardation),
            (Course { prepared: true, settles: true, ..course(0, 0) }, Kind::Pedal),
            (Course { goes: Some(-1), ..Course::default() }, Kind::Appoggiatura),
        ];
        for (course, kind) in cases {
            assert_eq!(course.kind(), kind, "{course:?}");
        }
    }

    #[test]
    fn upside_down_the_kinds_are_the_same_but_suspensions_rise() {
        for came in -4..=4 {
            for goes in -4..=4 {
                let course = Course { came: Some(came), goes: Some(goes), ..Course::default() };
                let turned = Course { came: Some(-came), goes: Some(-goes), ..Course::default() };
                assert_eq!(course.kind(), turned.kind(), "{course:?}");
            }
        }
    }
}
