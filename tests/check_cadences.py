#!/usr/bin/env python3
"""Holds `cadences` against human annotations in the TSV files of the Digital and Cognitive Musicology Lab (`*.harmonies.tsv`).

usage: check_cadences.py TABLE.jsonl PAIRS.tsv [--tolerance QUARTERS]
TABLE has `cadences` and `harmony` of the scores; PAIRS has a line per score: its source in the table, the annotations' path, the work.
The works are halved by the number in their name: even ones are those that the weights were fitted on. Annotations are laid on the
score by quarters, shifted where the roots of both sides say so (repeats, endings); scores that agree in fewer than 0.6 of the roots
are left out and named. A cadence is found where one of the same kind lies within the tolerance.
"""
import argparse, bisect, collections, csv, json, re
from fractions import Fraction

KINDS = ['PAC', 'IAC', 'HC', 'DC', 'PC', 'EC']
LETTERS = dict(C=0, D=2, E=4, F=5, G=7, A=9, B=11)
MAJOR = dict(i=0, ii=2, iii=4, iv=5, v=7, vi=9, vii=11)
MINOR = dict(i=0, ii=2, iii=3, iv=5, v=7, vi=8, vii=10)
SHIFTS = [half / 2 for half in range(-48, 49)]


def quarters(text):
    return float(Fraction(text))


def pitch_class(name):
    return (LETTERS[name[0].upper()] + name.count('#') - name[1:].count('b')) % 12


def local_key(home, local):
    tonic, minor = pitch_class(home), home[0].islower()
    for degree in reversed(local.split('/')):
        signs, numeral = re.match(r'([#b]*)([ivIV]+)', degree).groups()
        tonic += (MINOR if minor else MAJOR)[numeral.lower()] + signs.count('#') - signs.count('b')
        minor = numeral.islower()
    return tonic % 12


def annotations(path):
    """Roots and cadences, each with its onset in quarters."""
    roots, cadences = [], []
    csv.field_size_limit(10 ** 9)
    for row in csv.DictReader(open(path), delimiter='\t'):
        onset = row.get('quarterbeats_all_endings') or row['quarterbeats']
        if not onset:
            continue
        onset = quarters(onset)
        if row['root']:
            tonic = local_key(row['globalkey'], row['localkey'])
            roots.append((onset, (tonic + 7 * int(float(row['root']))) % 12))
        if row['cadence']:
            cadences.append((onset, row['cadence'].split('.')[0]))
    return roots, cadences


def at(things, moment):
    index = bisect.bisect_right(things, (moment + 1e-6, 99)) - 1
    return things[index][1] if index >= 0 else None


def shifts(theirs, ours):
    """For each beat of the annotations how much later the score is, by the cheapest path; and the share of roots that agree."""
    beats = [(float(beat), at(theirs, beat)) for beat in range(int(theirs[-1][0]) + 1)]
    cost, back = [abs(shift) * 0.3 for shift in SHIFTS], []
    for beat, root in beats:
        best = min(range(len(cost)), key=cost.__getitem__)
        jump = cost[best] + 6
        back.append([state if cost[state] <= jump else best for state in range(len(cost))])
        cost = [min(so_far, jump) + (root is None or at(ours, beat + shift) != root) for so_far, shift in zip(cost, SHIFTS)]
    state, path = min(range(len(cost)), key=cost.__getitem__), []
    for states in reversed(back):
        path.append(SHIFTS[state])
        state = states[state]
    path.reverse()
    agree = sum(at(ours, beat + shift) == root for (beat, root), shift in zip(beats, path)) / len(beats)
    return path, agree


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('table')
    parser.add_argument('pairs')
    parser.add_argument('--tolerance', type=float, default=1.0)
    args = parser.parse_args()
    findings = {}
    for line in open(args.table):
        row = json.loads(line)
        findings[row['source'].replace('\\', '/')] = row['findings']
    counts = collections.defaultdict(lambda: [0, 0, 0])
    confused = collections.Counter()
    for line in open(args.pairs):
        source, path, work = line.rstrip('\n').split('\t')
        found = next((value for name, value in findings.items() if name.endswith(source)), None)
        if found is None:
            print(f'not in the table: {source}')
            continue
        theirs, cadences = annotations(path)
        ours = [(quarters(row['offset']), pitch_class(row['root'])) for row in found['harmony']['segments']]
        path, agree = shifts(theirs, ours)
        if agree < 0.6:
            print(f'left out, {agree:.2f} of the roots agree: {source}')
            continue
        half = 'test' if int(re.sub(r'\D', '', work) or 0) % 2 else 'fit'
        corpus = re.sub(r'\d.*', '', work)
        mine = [(quarters(row[1]), row[0]) for row in found['cadences']['cadences']]
        taken = set()
        for onset, kind in cadences:
            shift = path[min(int(onset), len(path) - 1)]
            onset += 0 if abs(shift) <= 0.5 else shift
            near = [i for i, (place, _) in enumerate(mine) if abs(place - onset) <= args.tolerance and i not in taken]
            same = [i for i in near if mine[i][1] == kind]
            chosen = min(same or near, key=lambda i: abs(mine[i][0] - onset), default=None)
            confused[half, kind, mine[chosen][1] if chosen is not None else 'none'] += 1
            if chosen is not None:
                taken.add(chosen)
            for scope in (half, corpus + ' ' + half):
                counts[scope, kind][0] += bool(same)
                counts[scope, kind][2] += 1
                counts[scope, 'any'][0] += chosen is not None
                counts[scope, 'any'][2] += 1
        for _, kind in mine:
            for scope in (half, corpus + ' ' + half):
                counts[scope, kind][1] += 1
                counts[scope, 'any'][1] += 1
    print('scope\tkind\tannotated\tfound\tright\tprecision\trecall\tF1')
    for scope in sorted({scope for scope, _ in counts}):
        for kind in KINDS + ['any']:
            right, found, annotated = counts[scope, kind]
            precision, recall = right / found if found else 0, right / annotated if annotated else 0
            both = 2 * right / (found + annotated) if found + annotated else 0
            print(f'{scope}\t{kind}\t{annotated}\t{found}\t{right}\t{precision:.3f}\t{recall:.3f}\t{both:.3f}')
    print('what annotated cadences of the test half were taken for:')
    for (half, kind, taken_for), count in sorted(confused.items()):
        if half == 'test':
            print(f'{kind}\t{taken_for}\t{count}')


main()
