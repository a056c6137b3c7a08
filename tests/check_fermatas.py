#!/usr/bin/env python3
"""Holds `cadences` against the fermatas of the soprano, which music21 (it must be there) finds in MusicXML and kern chorales.

usage: check_fermatas.py TABLE.jsonl [TRUTH.jsonl]
TABLE has `cadences` of chorales that lie where it says; TRUTH has the human analyses that are laid on some of them. Without it: at how
many fermatas a cadence stands while the note lasts, and how many stand away from any. With it: the kind that follows from the analyst's
numerals and the soprano by the textbook, beside ours. The arrival is the last numeral under the fermata, and what goes before it the
one before with another root; fermatas that no kind follows from (the chords of none) are counted apart.
"""
import collections, json, re, sys, warnings
from fractions import Fraction


def fermatas(path):
    """Onset, end and pitch class of each note of the soprano that has one."""
    from music21 import converter, expressions
    for note in converter.parse(path).parts[0].flatten().notes:
        if any(isinstance(said, expressions.Fermata) for said in note.expressions):
            onset = Fraction(note.offset)
            yield onset, onset + Fraction(note.quarterLength), max(note.pitches).pitchClass


def numerals(figure):
    """The degree without figures, and the degree that it is applied to."""
    own, other = re.match(r'[b#]*([ivIV]*)', figure).group(1), re.search(r'/([b#]*[ivIV]+)', figure)
    return own, other and other.group(1)


def textbook(truth, onset, end, soprano):
    under = [index for index, row in enumerate(truth) if Fraction(row[2]) < end and Fraction(row[2]) + Fraction(row[3]) > onset]
    if not under:
        return None
    arrival = truth[under[-1]]
    before = next((row for row in truth[under[-1]::-1] if row[6] != arrival[6]), None)
    to, key = numerals(arrival[5])
    came, of = numerals(before[5]) if before and before[4] == arrival[4] else (None, None)
    if key is None and to == 'V':
        return 'HC'
    # A dominant that is applied to the arrival makes it a tonic.
    if came in ('V', 'v', 'vii') and key is None and (of == to or of is None and to in ('I', 'i')):
        perfect = came != 'vii' and before[10] == 0 and arrival[10] == 0 and soprano == arrival[6]
        return 'PAC' if perfect else 'IAC'
    if key is None and of is None:
        return {('IV', 'I'): 'PC', ('iv', 'i'): 'PC', ('iv', 'I'): 'PC', ('V', 'vi'): 'DC', ('V', 'VI'): 'DC'}.get((came, to))
    return None


def main():
    warnings.filterwarnings('ignore')
    rows = [json.loads(line) for line in open(sys.argv[1])]
    truths = {}
    for line in open(sys.argv[2]) if len(sys.argv) > 2 else []:
        record = json.loads(line)
        truths[record['score'].rsplit('/', 1)[-1]] = record['truth']
    count, pairs = collections.Counter(), collections.Counter()
    for row in rows:
        ours = [(Fraction(found[1]), found[0]) for found in row['findings']['cadences']['cadences']]
        held, truth = list(fermatas(row['source'])), truths.get(row['source'].rsplit('/', 1)[-1])
        count['fermatas'] += len(held)
        count['with a cadence'] += sum(any(onset <= at < end for at, _ in ours) for onset, end, _ in held)
        count['cadences away'] += sum(not any(onset <= at < end for onset, end, _ in held) for at, _ in ours)
        for onset, end, soprano in held if truth else []:
            pairs[textbook(truth, onset, end, soprano), next((kind for at, kind in ours if onset <= at < end), None)] += 1
    print(dict(count))
    if truths:
        print('right', sum(n for (want, got), n in pairs.items() if want and want == got), 'of', sum(n for (want, _), n in pairs.items() if want))
        for (want, got), n in sorted(pairs.items(), key=str):
            print(want, got, n)


main()
