#!/usr/bin/env python3
"""Holds local keys, windowed keys and melodic accents of a compat table against music21 10.5.1.

usage: check_keys.py facts FILE... > FACTS.jsonl     asks music21 (which must be there) about MusicXML and kern files
       check_keys.py compare TABLE.jsonl FACTS.jsonl [--window N] [--windows KIND] [--list N]
The table is of `ripieno run FILES --analyses local_key,accents,keyscape --fidelity compat --format jsonl`, with `local_key.window`
set to N (4 if nothing is said) and `keyscape.windows` to KIND (overlap). Sizes of windows that music21 was not asked about are passed
over. Prints how many values were compared and are equal, then the first differences.
"""
import argparse, collections, json, signal, sys, warnings

WINDOWS = (4, 2, 1, 8)
CELLS = (1, 3, 8)


def floating(score, fact):
    from music21.analysis import floatingKey
    analyzer = floatingKey.KeyAnalyzer(score)
    raw = analyzer.getRawKeyByMeasure()
    name = lambda key: key and key.tonicPitchNameWithCase
    for window in WINDOWS:
        analyzer = floatingKey.KeyAnalyzer(score)
        analyzer.windowSize, analyzer.rawKeyByMeasure = window, raw
        fact[f'floating{window}'] = [name(key) for key in analyzer.smoothInterpretationByMeasure()]
    fact['raw'] = [name(key) for key in raw]


def accents(parts, fact):
    from music21 import note, stream
    from music21.analysis import metrical
    fact['accents'] = []
    for part in parts:
        if part[stream.Voice].first() or any(not isinstance(one, note.Note) for one in part.flatten().notes):
            fact['accents'].append(None)
            continue
        notes = [one for one in part.flatten().notes if not one.duration.isGrace]
        metrical.thomassenMelodicAccent(notes)
        fact['accents'].append([round(one.editorial.melodicAccent, 6) for one in notes])


def windowed(score, parts, fact):
    from music21.analysis import discrete, windowed as windows
    if sum(len(part.flatten().notes) for part in parts) >= 700:
        return
    analysis = windows.WindowedAnalysis(score, discrete.AardenEssen())
    fact['cells'], fact['windowed'] = len(analysis._windowedStream), {}
    for kind in ('overlap', 'noOverlap', 'adjacentAverage'):
        for cells in CELLS:
            # Of more cells than one music21 cannot average: it refuses to put a measure into a stream twice.
            if cells <= fact['cells'] and (kind != 'adjacentAverage' or cells == 1):
                data, _ = analysis.analyze(cells, kind)
                fact['windowed'][f'{kind}{cells}'] = [one[0] and [one[0].name, one[1], round(one[2], 9)] for one in data]


def facts(paths):
    from music21 import converter, stream
    warnings.filterwarnings('ignore')

    def late(*_):
        raise TimeoutError
    signal.signal(signal.SIGALRM, late)
    for path in paths:
        fact = {'path': path}
        signal.alarm(150)
        try:
            score = converter.parse(path)
            parts = score.parts if isinstance(score, stream.Score) else [score]
            for name, ask in (('floating', lambda: floating(score, fact)), ('accents', lambda: accents(parts, fact)),
                              ('windowed', lambda: windowed(score, parts, fact))):
                try:
                    ask()
                except TimeoutError:
                    raise
                except Exception as error:
                    fact[name + '_error'] = repr(error)
        except Exception as error:
            fact['error'] = repr(error)
        signal.alarm(0)
        print(json.dumps(fact), flush=True)


def ours_as_music21(name):
    if name is None:
        return None
    tonic, mode = name.split()
    return tonic.replace('b', '-') if mode == 'major' else tonic[0].lower() + tonic[1:].replace('b', '-')


def measures(finding):
    return [ours_as_music21(stretch['key']) for stretch in finding['stretches'] for _ in range(stretch['measures'])]


def compare_keys(fact, finding, window, tell):
    want, got = list(fact[f'floating{window}']), measures(finding)
    # music21 leaves measures without notes out of its list.
    for at, raw in enumerate(fact['raw']):
        if raw is None:
            want.insert(at, None)
    tell('local_key.measures', len(want) == len(got), f'{len(want)} of music21, {len(got)} of ours')
    for at, (theirs, ours) in enumerate(zip(want, got)):
        tell('local_key.keys', theirs == ours, f'measure {at}: music21 {theirs}, ours {ours}')


def compare_accents(fact, finding, tell):
    lines = collections.defaultdict(list)
    for line in finding['lines']:
        lines[line['part']].append(line)
    # Each staff is a part of music21's; one that it would not look at has several lines or none with accents.
    rows = [line for part in sorted(lines) for line in lines[part]]
    for theirs, row in zip(fact['accents'], rows) if len(rows) == len(fact['accents']) else []:
        if theirs is None or row['voice'] is not None:
            continue
        tell('accents.tones', len(theirs) == row['tones'], f'part {row["part"]}: music21 {len(theirs)}, ours {row["tones"]}')
        for at, (one, other) in enumerate(zip(theirs, row['accents'])):
            tell('accents.accents', abs(one - other) < 1e-4, f'part {row["part"]} tone {at}: music21 {one}, ours {other}')


def compare_windows(fact, finding, kind, tell):
    kind = {'overlap': 'overlap', 'apart': 'noOverlap', 'averaged': 'adjacentAverage'}[kind]
    tell('keyscape.cells', fact['cells'] == finding['cells'], f'music21 {fact["cells"]}, ours {finding["cells"]}')
    names = dict(zip('CVDWEFXGYAZB', 'C C# D E- E F F# G A- A B- B'.split()))
    minor = dict(names, Y='G#')
    for level in finding['levels']:
        want = fact['windowed'].get(f'{kind}{level["window"]}')
        if want is None:
            continue
        tell(f'keyscape.{kind}', len(want) == len(level['keys']), f'{level["window"]}: {len(want)} windows of music21, {len(level["keys"])}')
        for at, (theirs, letter) in enumerate(zip(want, level['keys'])):
            big = letter.upper()
            ours = None if letter == '.' else [names[big], 'major'] if letter == big else [minor[big], 'minor']
            equal = ours == (theirs and theirs[:2]) or ours is None and theirs[2] == 0
            tell('keyscape.keys', equal, f'{kind} of {level["window"]}, window {at}: music21 {theirs}, ours {ours}')


def main():
    args = argparse.ArgumentParser()
    args.add_argument('what', choices=['facts', 'compare']), args.add_argument('paths', nargs='+')
    args.add_argument('--windows', choices=['overlap', 'apart', 'averaged'], default='overlap')
    args.add_argument('--window', type=int, default=4), args.add_argument('--list', type=int, default=5)
    args = args.parse_args()
    if args.what == 'facts':
        return facts(args.paths)
    rows, count, examples = {}, collections.Counter(), collections.defaultdict(list)
    for line in open(args.paths[0]):
        row = json.loads(line)
        if row.get('piece', 0) == 0:
            rows[row['source'].replace('\\', '/')] = row
    for line in open(args.paths[1]):
        fact = json.loads(line)
        path = fact['path'].lstrip('./')
        row = next((row for source, row in rows.items() if source.endswith(path)), None)
        if row is None or not row.get('findings'):
            count['no row'] += 1
            continue
        def tell(quantity, equal, what):
            count[quantity, 'compared'] += 1
            count[quantity, 'equal'] += equal
            if not equal:
                examples[quantity].append(f'{path}: {what}')
        findings = row['findings']
        if f'floating{args.window}' in fact and 'local_key' in findings:
            compare_keys(fact, findings['local_key'], args.window, tell)
        elif 'local_key' in findings:
            tell('local_key.refused', findings['local_key']['opening'] is None, fact.get('floating_error') or fact.get('error'))
        if 'accents' in fact and 'accents' in findings:
            compare_accents(fact, findings['accents'], tell)
        if 'windowed' in fact and 'keyscape' in findings:
            compare_windows(fact, findings['keyscape'], args.windows, tell)
    for quantity in sorted({key[0] for key in count if isinstance(key, tuple)}):
        print(f'{quantity:24} compared {count[quantity, "compared"]:6}  equal {count[quantity, "equal"]:6}')
    print('no row:', count['no row'])
    for quantity, texts in examples.items():
        print(quantity, *texts[:args.list], sep='\n  ')


if __name__ == '__main__':
    main()
