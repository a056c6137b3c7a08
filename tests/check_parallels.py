#!/usr/bin/env python3
"""Says what music21 10.5.1 finds of parallels where only notes and rests count as the note before.

usage: check_parallels.py SCORES ORACLE.jsonl[.gz] > LOOKUP.jsonl      (needs music21)
Its own look-up takes whatever began last in the part, a bar line or a clef too, for the note before, and drops the pair then. Of
each piece of which the oracle lists parallels this counts the same as the oracle with three things mended: the look-up goes
through notes and rests, chord symbols are taken out, and a pitch with a printed natural is the one without. `check_parity.py --lookup`
holds our parallels against it wherever they differ from the oracle's.
"""
import gzip, json, sys
from fractions import Fraction
from pathlib import Path
from music21 import converter, harmony, note, pitch, stream, voiceLeading
from music21.tree import timespanTree


def before(tree, span, classList=None):
    """The span of a note or rest that began last before this one in its part."""
    part, moment = span.getParentageByClass((stream.Part,)), tree.getVerticalityAt(span.offset)
    while moment is not None:
        moment = moment.previousVerticality
        for other in moment.startTimespans if moment is not None else ():
            if isinstance(other.element, note.GeneralNote) and other.getParentageByClass((stream.Part,)) is part:
                return other
    return None


timespanTree.TimespanTree.findPreviousPitchedTimespanInSameStreamByClass = before
pitch.Pitch.__eq__ = lambda self, other: isinstance(other, pitch.Pitch) and self.nameWithOctave == other.nameWithOctave
pitch.Pitch.__hash__ = lambda self: hash(self.nameWithOctave)


def parallels(score):
    parts = {id(part): index for index, part in enumerate(score.parts)}
    found = {kind: {'n_quartets': 0, 'list': []} for kind in ('norest', 'withrest')}
    for moment in score.asTimespans().iterateVerticalities():
        for pairs in moment.getAllVoiceLeadingQuartets(includeRests=True, returnObjects=False):
            notes = [span.element for pair in pairs for span in pair]
            if not all(isinstance(each, note.Note) for each in notes):
                continue
            joined = all(first is then or first.endTime == moment.offset for first, then in pairs)
            kinds = ['withrest', 'norest'] if joined else ['withrest']
            for kind in kinds:
                found[kind]['n_quartets'] += 1
            if notes[0].pitch == notes[1].pitch or notes[2].pitch == notes[3].pitch:
                continue
            quartet = voiceLeading.VoiceLeadingQuartet(*notes)
            what = 'P5' if quartet.parallelFifth() else 'P8' if quartet.parallelOctave() else 'P1' if quartet.parallelUnison() else None
            if what:
                both = sorted(parts[id(pair[1].part)] for pair in pairs)
                onset = str(Fraction(moment.offset).limit_denominator(10080))
                row = [onset, *both, what, 'anti' if quartet.antiParallelMotion() else 'similar']
                for kind in kinds:
                    found[kind]['list'].append(row)
    return found


def main(scores, oracle):
    opened = gzip.open if oracle.endswith('.gz') else open
    for line in opened(oracle, 'rt'):
        record = json.loads(line)
        if 'parallels' not in (record.get('score') or {}):
            continue
        score = converter.parse(str(Path(scores) / record['path']), forceSource=True)
        for symbol in list(score.recurse().getElementsByClass(harmony.ChordSymbol)):
            symbol.activeSite.remove(symbol)
        print(json.dumps({'path': record['path'], 'parallels': parallels(score)}), flush=True)


if __name__ == '__main__':
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
