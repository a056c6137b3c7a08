#!/usr/bin/env python3
"""Holds `functions` (compat) and the line-only counts of `non_chord_tones` against music21 10.5.1.

usage: check_functions.py TABLE.jsonl FOLDER
Every different figure of the table's `functions` is given to music21's `romanToFunction` with its mode. Of MusicXML and kern scores in FOLDER,
under the names of the table, that have single lines only, the three-note segments of each part are counted.
"""
import collections, json, os, sys
from music21 import analysis, chord, converter, roman, stream, voiceLeading


def figure_of(text):
    """As RomanNumeral takes it: major sevenths by the bare seventh."""
    return text.replace('M', '')


def main():
    figures, segments = {}, collections.Counter()
    for line in open(sys.argv[1]):
        row = json.loads(line)
        functions = row['findings'].get('functions') or {}
        for _, key, figure, label, _ in functions.get('chords', []):
            figures[figure, key.endswith('minor')] = label
        counted = (row['findings'].get('non_chord_tones') or {}).get('linear')
        path = os.path.join(sys.argv[2], row['source'])
        if counted and os.path.exists(path) and row.get('piece', 0) == 0 and path.endswith(('.mxl', '.xml', '.musicxml')):
            mine = (counted['segments'], counted['could_pass'], counted['could_be_neighbours'])
            theirs = segments_of(path)
            if theirs is not None:
                segments['files'] += 1
                segments['equal'] += mine == theirs
                segments['segments'] += theirs[0]
                if mine != theirs:
                    print(f'{row["source"]}: music21 {theirs}, ours {mine}')
    differ = 0
    for (figure, minor), label in sorted(figures.items()):
        theirs = analysis.harmonicFunction.romanToFunction(roman.RomanNumeral(figure_of(figure), 'c' if minor else 'C'))
        if (str(theirs) if theirs else None) != label:
            differ += 1
            print(f'{figure} in {"minor" if minor else "major"}: music21 {theirs}, ours {label}')
    print(f'{len(figures)} different figures and modes, {differ} differ; {dict(segments)}')


def segments_of(path):
    """Segments, passing, neighbours; nothing for scores with chords, voices or unpitched notes."""
    counts = [0, 0, 0]
    for part in converter.parse(path).parts:
        flat = part.flatten()
        if any(isinstance(note, chord.Chord) or not note.isNote for note in flat.notes) or part.recurse().getElementsByClass(stream.Voice):
            return None
        notes = [note for note in part.stripTies().flatten().notes if not note.duration.isGrace]
        if len(notes) != sum(1 for note in part.stripTies().flatten().notes):
            return None
        for three in zip(notes, notes[1:], notes[2:]):
            segment = voiceLeading.ThreeNoteLinearSegment(*three)
            counts[0] += 1
            counts[1] += bool(segment.couldBePassingTone())
            counts[2] += bool(segment.couldBeNeighborTone())
    return tuple(counts)


main()
