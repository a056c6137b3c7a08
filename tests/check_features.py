#!/usr/bin/env python3
"""Holds the features of a compat table against what music21 10.5.1 says of the same files.

usage: check_features.py extract SCORES ORACLE.jsonl [--seconds 150] [--pieces 8]     needs music21, takes up where it was
       check_features.py compare TABLE.jsonl ORACLE.jsonl [--list 3] [--only M1,P22]

`extract` writes one line a piece: its path, its number in the file, and each feature as music21 has it, or the text of
the error that it raised. The smallest files come first; one that takes longer than the given seconds is noted as such.
`compare` prints per feature how many values were compared, how many are exact, how many within 1e-9, how many differ for
a cause that EXPLAINED names, and how many are open; then the first of those that are open.
A feature that music21 raises an error for has no answer; ours is null then.
"""
import argparse, collections, json, os, re

FAMILIES = {'jsymbolic_features': 'jSymbolic', 'music21_features': 'native'}

# (pieces, features, why): expressions over the whole of `path#piece` and of an identifier. docs/parity.md says more of each.
OF_NOTES = r'[Mm]\d+|P\d+|I3|I6|I11|I14|I18|I19|R15|R17|R18|R19|R2\d|R36|T[123]|K1|QL\d|CS\d+'
OF_TIME = r'R15|R17|R18|R19|R2\d|R30|R36'
EXPLAINED = [
    (r'.*/(northumbrianminstrelsyopus\.abc#3|0351-0400\.abc#6|0501-0550\.abc#[135]|1577-1624\.abc#7|EssenceOfCinnamonSeed\.abc#0|FireHimOutReel\.abc#0)', OF_NOTES, 'ABC: music21 loses notes after H and ">"'),
    (r'.*/americanfifeopus\.abc#4', OF_NOTES + '|I8', 'ABC: music21 makes a part of each line of a voice'),
    (r'.*/1577-1624\.abc#2', OF_NOTES + '|R31|R35', 'ABC: music21 counts a grace note as one of a triplet'),
    (r'.*/(ballad30\.abc#2|test0\.abc#3|0351-0400\.abc#2|1136-1175\.abc#6)', 'R31|R32|R33|R35', 'ABC: music21 invents time signatures for measures that do not fit theirs'),
    (r'.*\.(abc|krn)#\d+', 'TX1', 'ABC and kern: music21 does not read their lyrics'),
    (r'.*/(northumbrianminstrelsyopus\.abc#2|webern_dormi_jesu_op_16_no_2\.mxl#0)', OF_TIME, 'a tempo in words without a number, for which music21 raises an error'),
    (r'.*/opus18no1/movement3\.krn#0', OF_NOTES, 'kern: music21 does not tie [an to a_, a natural with a sign to one without'),
    (r'midi_from_m21/(monteverdi__madrigal\.4\.4|mozart__k458__movement3|mozart__k80__movement1)\.mxl\.mid#0', OF_NOTES, 'MIDI: music21 drops notes of no length, and those they leave without an end'),
    (r'.*/(test03|test09|test14|k525MIDIMvt1|k525short|ryansMammoth__OldTanglefootHornpipe\.abc)\.mid#0', OF_NOTES + '|I8', 'MIDI: voices that music21 makes of notes that overlap'),
    (r'.*/(test03|k525short)\.mid#0', 'R30', 'MIDI: two tempi at the beginning; ours is the one that holds'),
    (r'.*/(chord_realization_exercise\.mxl|fosterBrownHair\.mxl|madrigal\.4\.18\.mxl|71f-AllChordTypes\.xml)#0', OF_NOTES + '|I20', 'chord symbols: music21 counts their pitches among the notes'),
    (r'.*/haydn/opus1no1/movement5\.mxl#0', OF_NOTES, 'MusicXML: music21 makes the first violin longer than it is written'),
    (r'.*/polonaise_op1n4\.mxl#0', OF_TIME, 'MusicXML: a metronome mark and another tempo in its <sound>, which is ours'),
    (r'.*/checker_demo\.mxl#0', r'I\d+|T[123]', 'MusicXML: the program 0, which there is not'),
    (r'.*/(checker_demo\.mxl|13e-KeySignatures-MidMeasure-Change\.xml)#0', 'TX1', 'lyrics of figures are like no language of our shorter tables'),
]


def extract(args):
    import signal, warnings
    warnings.filterwarnings('ignore')
    from music21 import converter, features, stream

    class Late(Exception):
        pass

    def late(*_):
        raise Late

    def values(score):
        data, told = features.DataInstance(score), {}
        for family, module in FAMILIES.items():
            told[family] = {}
            for extractor in getattr(features, module).featureExtractors:
                try:
                    told[family][extractor.id] = [None if value is None else value for value in extractor(data).extract().vector]
                except Late:
                    raise
                except Exception as error:  # Whatever it raises is its answer.
                    told[family][extractor.id] = f'{type(error).__name__}: {error}'
        return told

    signal.signal(signal.SIGALRM, late)
    known = {json.loads(line)['path'] for line in open(args.oracle)} if os.path.exists(args.oracle) else set()
    paths = [os.path.join(base, name) for base, _, names in os.walk(args.scores) for name in names]
    paths.sort(key=lambda path: os.path.getsize(path) * (8 if path.endswith('.mxl') else 1))
    with open(args.oracle, 'a') as out:
        for path in paths:
            name, piece = os.path.relpath(path, args.scores), 0
            if name in known:
                continue
            try:
                signal.alarm(args.seconds)
                score = converter.parse(path, forceSource=True)
                for piece, one in enumerate(list(score.scores)[:args.pieces] if isinstance(score, stream.Opus) else [score]):
                    out.write(json.dumps({'path': name, 'piece': piece, 'features': values(one)}, default=float) + '\n')
            except Late:
                out.write(json.dumps({'path': name, 'piece': piece, 'error': 'too slow'}) + '\n')
            except Exception as error:
                out.write(json.dumps({'path': name, 'piece': piece, 'error': str(error)}) + '\n')
            signal.alarm(0)
            out.flush()


def vector(answer):
    """Our answer as music21's vector."""
    if isinstance(answer, dict):
        dense = [0.0] * answer['dimension']
        for index, value in answer['values']:
            dense[index] = value
        return dense
    return answer if isinstance(answer, list) or answer is None else [answer]


def compare(args):
    rows = {}
    for line in open(args.table):
        row = json.loads(line)
        rows[row['source'].replace('\\', '/'), row.get('piece', 0)] = row
    sources = collections.defaultdict(set)
    for source, _ in rows:
        sources[source.rsplit('/', 1)[-1]].add(source)
    count, open_cases, pieces, why = collections.Counter(), collections.defaultdict(list), collections.Counter(), collections.Counter()
    only = args.only.split(',') if args.only else None
    for line in open(args.oracle):
        record = json.loads(line)
        source = next((source for source in sources[record['path'].rsplit('/', 1)[-1]] if source.endswith(record['path'])), None)
        row = rows.get((source, record['piece']))
        if 'features' not in record or row is None or row['state'] == 'failed':
            continue
        kind = record['path'].rsplit('.', 1)[-1]
        pieces[{'mxl': 'xml', 'musicxml': 'xml'}.get(kind, kind)] += 1
        for family, features in record['features'].items():
            for name, theirs in features.items():
                if only and name not in only:
                    continue
                theirs = None if isinstance(theirs, str) or None in theirs else theirs
                ours, key = vector(row['findings'][family][name]), f'{family} {name}'
                what = judge(theirs, ours)
                if what == 'open':
                    cause = next((cause for files, names, cause in EXPLAINED if re.fullmatch(files, f'{record["path"]}#{record["piece"]}') and re.fullmatch(names, name)), None)
                    if cause:
                        what = 'explained'
                        why[cause] += 1
                    else:
                        open_cases[key].append(f'{record["path"]}#{record["piece"]}: music21 {short(features[name])}, ours {short(ours)}')
                count[key, what] += 1
    print('pieces', dict(pieces))
    for key in dict.fromkeys(key for key, _ in count):
        told = {what: count[key, what] for what in ('exact', 'near', 'explained', 'open')}
        print(f'{key} compared {sum(told.values())} exact {told["exact"]} within_1e-9 {told["near"]} explained {told["explained"]} open {told["open"]}')
        for case in open_cases[key][:args.list]:
            print('    ' + case)
    totals = {what: sum(count[key, w] for key, w in count if w == what) for what in ('exact', 'near', 'explained', 'open')}
    print(f'all compared {sum(totals.values())} exact {totals["exact"]} within_1e-9 {totals["near"]} explained {totals["explained"]} open {totals["open"]}')
    for cause, cases in why.most_common():
        print(f'explained {cases} {cause}')


def judge(theirs, ours):
    if theirs is None or ours is None:
        return 'exact' if theirs is ours else 'open'
    if theirs == ours:
        return 'exact'
    near = len(theirs) == len(ours) and all(abs(a - b) <= 1e-9 * max(1, abs(a)) for a, b in zip(theirs, ours))
    return 'near' if near else 'open'


def short(value):
    text = json.dumps({i: v for i, v in enumerate(value) if v} if isinstance(value, list) and len(value) > 12 else value)
    return text if len(text) < 300 else text[:300] + '...'


def main():
    parser = argparse.ArgumentParser()
    commands = parser.add_subparsers(required=True)
    extracting = commands.add_parser('extract')
    extracting.add_argument('scores'), extracting.add_argument('oracle')
    extracting.add_argument('--seconds', type=int, default=150), extracting.add_argument('--pieces', type=int, default=8)
    extracting.set_defaults(run=extract)
    comparing = commands.add_parser('compare')
    comparing.add_argument('table'), comparing.add_argument('oracle')
    comparing.add_argument('--list', type=int, default=3), comparing.add_argument('--only')
    comparing.set_defaults(run=compare)
    args = parser.parse_args()
    args.run(args)


if __name__ == '__main__':
    main()
