#!/usr/bin/env python3
"""Tells what of the chords that music21 10.5.1 and Ripieno make differently of MIDI files comes from music21's import alone.

usage: check_midi.py SCORES ORACLE.jsonl[.gz] write DIR      (needs music21)
       check_midi.py TABLE.jsonl ORACLE.jsonl[.gz] compare
`write` lays out, for each MIDI file of the oracle that has chords, the notes and rests that music21 has after its import, as
MusicXML with exact durations. `ripieno run DIR --fidelity compat --analyses chords --format jsonl` makes chords of them, which
`compare` holds against the oracle: what is equal then differs by the import, and by nothing that Ripieno makes of it.
"""
import gzip, json, sys
from fractions import Fraction
from pathlib import Path

DIVISIONS = 10080


def records(oracle):
    opened = gzip.open if oracle.endswith('.gz') else open
    for line in opened(oracle, 'rt'):
        record = json.loads(line)
        if record['path'].endswith('.mid') and (record.get('score') or {}).get('chords'):
            yield record['path'], record['score']['chords']


def name(path):
    return path.replace('/', '__')


def chords_of(row):
    """The keys of each chord by its onset and length."""
    findings = row['findings']['chords']
    return {(row[0], row[1]): findings['chords'][row[4]]['keys'] for row in findings['slices']}


def exact(value):
    return Fraction(value).limit_denominator(DIVISIONS)


def ticks(value):
    return int(value * DIVISIONS)


def note(what, duration, chord, tie):
    tied = ''.join(f'<tie type="{way}"/>' for way in ('stop', 'start') if tie in (way, 'continue'))
    return f'<note>{"<chord/>" if chord else ""}{what}<duration>{ticks(duration)}</duration>{tied}</note>'


def element(found, duration):
    """A rest, a note or a chord of music21."""
    if found.isRest:
        yield note('<rest/>', duration, False, None)
        return
    for index, member in enumerate(found.notes if hasattr(found, 'notes') else [found]):
        tie = member.tie or found.tie
        what = '<unpitched/>'
        if hasattr(member, 'pitch'):
            pitch = member.pitch
            what = f'<pitch><step>{pitch.step}</step><alter>{int(pitch.alter)}</alter><octave>{pitch.octave}</octave></pitch>'
        yield note(what, duration, index > 0, tie.type if tie else None)


def measure(found):
    now, end = Fraction(0), exact(found.highestTime)
    yield f'<measure number="{found.number}"><attributes><divisions>{DIVISIONS}</divisions></attributes>'
    for each in found.recurse().notesAndRests:
        onset, duration = exact(each.getOffsetInHierarchy(found)), exact(each.quarterLength)
        if onset != now:
            way = 'backup' if onset < now else 'forward'
            yield f'<{way}><duration>{ticks(abs(onset - now))}</duration></{way}>'
        yield from element(each, duration)
        now = onset + duration
    if now < end:
        yield f'<forward><duration>{ticks(end - now)}</duration></forward>'
    yield '</measure>'


def write(scores, oracle, folder):
    import music21
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for path, _ in records(oracle):
        parts = list(music21.converter.parse(str(Path(scores) / path), forceSource=True).parts)
        out = ['<score-partwise><part-list>']
        out += [f'<score-part id="P{index}"><part-name/></score-part>' for index in range(len(parts))]
        out.append('</part-list>')
        for index, part in enumerate(parts):
            out.append(f'<part id="P{index}">')
            out += [line for each in part.getElementsByClass('Measure') for line in measure(each)]
            out.append('</part>')
        out.append('</score-partwise>')
        (folder / f'{name(path)}.musicxml').write_text('\n'.join(out))


def compare(table, oracle):
    rows = {Path(row['source']).stem: row for row in map(json.loads, open(table))}
    compared = equal = 0
    for path, chords in records(oracle):
        ours = chords_of(rows[name(path)])
        for onset, length, keys, *_ in chords:
            same = ours.get((onset, length)) == keys
            compared, equal = compared + 1, equal + same
            if not same:
                print(f'{path}: {onset}+{length} music21 {keys}, ours {ours.get((onset, length))}')
    print(f'chords compared {compared} equal {equal}')


if __name__ == '__main__':
    match sys.argv[1:]:
        case [scores, oracle, 'write', folder]:
            write(scores, oracle, folder)
        case [table, oracle, 'compare']:
            compare(table, oracle)
        case _:
            sys.exit(__doc__)
