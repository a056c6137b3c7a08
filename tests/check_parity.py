#!/usr/bin/env python3
"""One table of how far a compat table agrees with music21 10.5.1: of each analysis the values compared, equal, explained and open.

usage: check_parity.py TABLE.jsonl ORACLE.jsonl.gz [--imports IMPORTS.jsonl] [--lookup LOOKUP.jsonl] [--features FEATURES.jsonl] [--list]
TABLE is of `ripieno run SCORES --fidelity compat --format jsonl`; compare.py stands beside ORACLE; IMPORTS is the same table of what
`check_midi.py write` wrote, LOOKUP what `check_parallels.py` printed, FEATURES what `check_features.py extract` wrote. Each difference
is held against the causes below, which docs/parity.md tells in full; what none of them explains is open. Two causes are held against
values, not names: a chord of a MIDI file differs by music21's import if we make music21's chord of what it imported, and parallels by
its look-up if ours are those that it finds with that mended. Without IMPORTS and LOOKUP these are open. Ends with 1 if anything is open.
Numbers are equal within 1e-6, to which the oracle is rounded, features within 1e-9.
"""
import argparse, collections, json, pathlib, re, subprocess, sys
import check_midi
from check_harmony import rows_of

# Of the quantity, of the piece, and why. The first that fits counts.
EXPLAINED = [
    (r'.*', r'corpus/(airdsAirs/book2\.abc#12|miscFolk/northumbrianminstrelsyopus\.abc#(3|13)|oneills1850/(0351-0400\.abc#6'
     r'|0501-0550\.abc#(1|3|5|8|12)|1577-1624\.abc#7)|ryansMammoth/(EssenceOfCinnamonSeed|FireHimOutReel)\.abc#0)',
     'music21 drops notes after H and ">" (ABC)'),
    (r'notes|durations\.notes|npvi\.written', r'corpus/essenFolksong/(erk10\.abc#7|erk30\.abc#3|han2\.abc#(4|8|11|13|14))',
     'music21 cuts measures without bar lines (ABC)'),
    (r'durations\.rests|npvi\.written', r'corpus/essenFolksong/lux\.abc#2', 'music21 cuts measures without bar lines (ABC)'),
    (r'parts|quarters|chords\.pitches|lines\.parts', r'corpus/miscFolk/americanfifeopus\.abc#(4|10|11)', 'music21 makes parts of voices told in turns (ABC)'),
    (r'.*', r'corpus/oneills1850/1577-1624\.abc#2', 'music21 counts a grace note in a triplet (ABC)'),
    (r'melodic_intervals\..*|npvi\.notes', r'corpus/oneills1850/0701-0720\.abc#7', 'music21 merges ties between different pitches (ABC)'),
    (r'quarters|chords\.pitches|durations\.rests', r'corpus/haydn/opus1no1/movement5\.mxl#0', 'music21 counts hidden notes of a trill too long'),
    (r'quarters', r'corpus/weber/concertino_clarinet\.mxl#0', 'music21 lengthens a measure for a mark'),
    (r'durations\.rests|npvi\.written', r'corpus/(monteverdi/madrigal\.3\.(7|15)\.mxl|beach/prayer_of_a_tired_child\.musicxml)#0', 'music21 makes rests of empty measures and <forward>'),
    (r'melodic_intervals\..*|npvi\.notes', r'corpus/trecento/PMFC_01-.*', 'music21 merges ties that do not end'),
    (r'onsets|pitch_class_onsets', r'midi_from_m21/(monteverdi__madrigal\.(3\.7|4\.4|4\.6)|mozart__k(458__movement3|80__movement1)).*', 'music21 drops notes of no length (MIDI)'),
    (r'parallels\.(no|with)rest\.quartets', r'corpus/(trecento/PMFC_12_15.*|webern/webern_dormi_jesu_op_16_no_2\.mxl)#0',
     'music21 looks up a third of a quarter by a rounded number'),
]
NO_ROW = {'musicxml/testTab.xml#0': 'neither pitch nor duration: nobody can be right'}
# Chords of MIDI files that our MusicXML of music21's import cannot hold: it has no octave for the key 11.
NO_OCTAVE = {f'midi/testPrimitive/test04.mid#0: {chord}' for chord in ('127/2+1/4', '213/2+1/4')}
SCRIPTS = ['check_harmony.py', 'check_lines.py']


def analysis(quantity):
    """Which of our analyses answers a quantity of the scripts."""
    first = quantity.split('.')[0]
    names = {'key_r': 'key', 'parallels': 'voice_leading', 'roman': 'roman_numerals', 'lines': 'durations', 'pitch_class_onsets': 'pitch_classes',
             'pitch_class_quarters': 'pitch_classes', 'piece': 'reading', 'notes': 'conservation', 'grace_notes': 'conservation', 'unpitched': 'conservation',
             'onsets': 'density', 'parts': 'summary', 'quarters': 'summary'}
    return names.get(first, first)


def told(script, arguments):
    """The lines of a script: each quantity with its counts, and each difference under its quantity."""
    run = subprocess.run([sys.executable, str(script), *arguments, '--list', '1000000'], capture_output=True, text=True)
    if 'compared' not in run.stdout:
        sys.exit(f'{script}: {run.stderr[-300:]}')
    quantity = None
    for line in run.stdout.splitlines():
        if line.startswith(' '):
            yield quantity, line.strip()
        elif found := re.match(r'(\S+) +compared +(\d+) +equal +(\d+)(?:.* missing +(\d+))?', line):
            quantity = found[1]
            yield quantity, (int(found[2]) + int(found[4] or 0), int(found[3]))


class Mended:
    """What music21 would say but for its import of MIDI and its look-up of the note before."""

    def __init__(self, table, oracle, imports, lookup):
        self.table = {source: pieces[0] for source, pieces in rows_of(table).items() if 0 in pieces}
        imported = {pathlib.Path(source).stem: pieces[0] for source, pieces in rows_of(imports).items()} if imports else {}
        chords = list(check_midi.records(oracle))
        self.imports = {path: imported[check_midi.name(path)] for path, _ in chords if check_midi.name(path) in imported}
        self.lookup = {record['path']: record['parallels'] for record in map(json.loads, open(lookup))} if lookup else {}
        self.chords = set()
        for path, theirs in chords:
            ours = check_midi.chords_of(self.imports[path]) if path in self.imports else {}
            self.chords |= {f'{path}#0: {onset}+{length}' for onset, length, keys, *_ in theirs if ours.get((onset, length)) == keys}

    def cause(self, quantity, what):
        """Why a difference is none of ours, if it is for one of these two."""
        path = what.split('#0: ')[0]
        if quantity == 'chords.pitches' and self.imports and what.split(' music21 ')[0] in self.chords | NO_OCTAVE:
            return 'music21 rounds MIDI to a grid'
        if quantity.startswith('parallels.') and path in self.lookup:
            kind = quantity.split('.')[1]
            row = self.imports.get(path) if path.endswith('.mid') else next((row for source, row in self.table.items() if source.endswith(path)), None)
            ours, theirs = row['findings']['voice_leading']['compat'][kind] if row else {}, self.lookup[path][kind]
            counted = quantity.endswith('.quartets') and ours.get('quartets') == theirs['n_quartets']
            listed = quantity.endswith('rest') and sorted(row[:5] for row in ours.get('rows', [[]])) == sorted(theirs['list'])
            if counted or listed:
                return 'music21 takes a bar line or mark for the note before' + (', of what it imported of MIDI' if path.endswith('.mid') else '')
        return None


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('table'), parser.add_argument('oracle'), parser.add_argument('--features')
    parser.add_argument('--imports'), parser.add_argument('--lookup')
    parser.add_argument('--list', action='store_true', help='each difference that is open')
    args = parser.parse_args()
    here = pathlib.Path(__file__).parent
    scripts = [pathlib.Path(args.oracle).parent / 'compare.py', *(here / name for name in SCRIPTS)]
    mended = Mended(args.table, args.oracle, args.imports, args.lookup)
    compared, equal, explained, causes, opened = (collections.Counter() for _ in range(5))
    for script in scripts:
        for quantity, what in told(script, [args.table, args.oracle]):
            name = analysis(quantity)
            if isinstance(what, tuple):
                compared[name] += what[0]
                equal[name] += what[1]
                continue
            piece = what.split(': ')[0]
            cause = NO_ROW.get(piece) if quantity == 'piece' else None
            cause = cause or mended.cause(quantity, what)
            cause = cause or next((why for quantities, pieces, why in EXPLAINED if re.fullmatch(quantities, quantity) and re.fullmatch(pieces, piece)), None)
            if cause:
                explained[name] += 1
                causes[cause] += 1
            else:
                opened[name] += 1
                if args.list:
                    print(f'{quantity} {what}')
    if args.features:
        run = subprocess.run([sys.executable, str(here / 'check_features.py'), 'compare', args.table, args.features], capture_output=True, text=True)
        for line in run.stdout.splitlines():
            if found := re.match(r'(\S+_features) .*compared (\d+) exact (\d+) within_1e-9 (\d+) explained (\d+) open (\d+)', line):
                counts = [int(found[index]) for index in range(2, 7)]
                compared[found[1]] += counts[0]
                equal[found[1]] += counts[1] + counts[2]
                explained[found[1]] += counts[3]
                opened[found[1]] += counts[4]
            elif found := re.match(r'explained (\d+) (.*)', line):
                causes[f'features: {found[2]}'] += int(found[1])
    print('| analysis | compared | equal | explained | open |\n|---|---|---|---|---|')
    for name in sorted(compared):
        # What a script counts and does not list is open as well.
        opened[name] = compared[name] - equal[name] - explained[name]
        print(f'| `{name}` | {compared[name]} | {equal[name]} | {explained[name]} | {opened[name]} |')
    print(f'| all | {compared.total()} | {equal.total()} | {explained.total()} | {opened.total()} |\n')
    for cause, count in causes.most_common():
        print(f'- {count}: {cause}')
    return 1 if opened.total() else 0


if __name__ == '__main__':
    sys.exit(main())
