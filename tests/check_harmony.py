#!/usr/bin/env python3
"""Holds the chords, Roman numerals and parallels of a compat table against what music21 10.5.1 says of the same files.

usage: check_harmony.py TABLE.jsonl ORACLE.jsonl[.gz] [--list N]
Prints, per quantity and format, how many values were compared and how many are equal, then the first N differences.
A chord is found by its onset; one that only one side has is a difference of `chords.pitches`.
"""
import argparse, collections, gzip, json

FIELDS = ['root', 'bass', 'inversion', 'quality', 'name', 'forte']


def flat(text):
    """Flats as this project writes them."""
    return text.replace('-', 'b') if text else text


def rows_of(table):
    rows = collections.defaultdict(dict)
    for line in open(table):
        row = json.loads(line)
        rows[row['source'].replace('\\', '/')][row.get('piece', 0)] = row
    return rows


def chords_of(findings):
    """[onset, duration, names, facts] of each slice."""
    chords = findings['chords']
    return [[row[0], row[1], chords['chords'][row[4]]] for row in findings['chords']['slices']]


def compare_chords(theirs, ours, tell):
    mine = collections.defaultdict(list)
    for index, (onset, length, facts) in enumerate(ours):
        mine[onset].append((length, facts, index))
    for row in theirs:
        onset, length, keys, names, root, bass, inversion, quality, name, forte = row
        at = mine[onset]
        found = next((one for one in at if one[0] == length and one[1]['keys'] == keys), None)
        tell('chords.pitches', found is not None, f'{onset}+{length} music21 {names}, ours {[(l, f["pitches"]) for l, f, _ in at]}')
        if found is None:
            yield None
            continue
        facts = found[1]
        tell('chords.names', sorted(map(flat, names)) == sorted(facts['pitches']), f'{onset} music21 {names}, ours {facts["pitches"]}')
        single = name == names[0][:-1]
        want = dict(root=flat(root), bass=flat(bass), inversion=inversion, quality=quality, forte=forte, name=flat(name) if single else name)
        for field in FIELDS:
            got = facts['pitched_name' if field == 'name' else field]
            tell('chords.' + field, got == want[field], f'{onset} {names}: music21 {want[field]}, ours {got}')
        yield found[2]


def compare_parallels(theirs, ours, tell):
    for kind in ('norest', 'withrest'):
        want, got = theirs[kind], ours['compat'][kind]
        tell(f'parallels.{kind}.quartets', want['n_quartets'] == got['quartets'], f'music21 {want["n_quartets"]}, ours {got["quartets"]}')
        theirs_rows = collections.Counter(map(tuple, want['list']))
        our_rows = collections.Counter(tuple(row[:5]) for row in got['rows'])
        for row in (theirs_rows | our_rows).elements():
            if sum(want[k] for k in ('P5', 'P8', 'P1')) > 100 and row not in theirs_rows:
                continue  # The oracle lists a hundred.
            tell(f'parallels.{kind}', theirs_rows[row] == our_rows[row], f'{row}: music21 {theirs_rows[row]}, ours {our_rows[row]}')


def main():
    args = argparse.ArgumentParser()
    args.add_argument('table'), args.add_argument('oracle'), args.add_argument('--list', type=int, default=3)
    args = args.parse_args()
    rows, count, examples = rows_of(args.table), collections.Counter(), collections.defaultdict(list)
    by_tail = collections.defaultdict(list)
    for source in rows:
        by_tail[source.rsplit('/', 1)[-1]].append(source)
    opener = gzip.open if args.oracle.endswith('.gz') else open
    for line in opener(args.oracle, 'rt'):
        record = json.loads(line)
        path, kind = record['path'], {'mxl': 'xml', 'musicxml': 'xml'}.get(record['format'], record['format'])
        source = next((source for source in by_tail[path.rsplit('/', 1)[-1]] if source.endswith(path)), None)
        for piece, facts in enumerate([record['score']] if 'score' in record else record.get('tunes', [])):
            findings = rows[source].get(piece, {}).get('findings', {})

            def tell(quantity, equal, text):
                count[quantity, kind, equal] += 1
                if not equal:
                    examples[quantity].append(f'{path}#{piece}: {text}')

            indices = list(compare_chords(facts.get('chords', []), chords_of(findings), tell)) if 'chords' in facts else []
            if 'roman' in facts and 'roman_numerals' in findings:
                roman = findings['roman_numerals']
                tell('roman.key', roman['key'] is not None and flat(facts['roman_key']).lower() == roman['key'].split()[0].lower(), f'music21 {facts["roman_key"]}, ours {roman["key"]}')
                for (figure, degree), index in zip(facts['roman'], indices):
                    if index is not None:
                        got = roman['slices'][index][4] if roman['key'] else None
                        tell('roman.figure', got is not None and [figure, degree] == [got[0], got[2]], f'{index} music21 {figure} {degree}, ours {got}')
            if 'parallels' in facts and 'voice_leading' in findings:
                compare_parallels(facts['parallels'], findings['voice_leading'], tell)
    for quantity in sorted({quantity for quantity, _, _ in count}):
        kinds = sorted({kind for q, kind, _ in count if q == quantity})
        cells = [f'{kind} {sum(count[quantity, kind, equal] for equal in (True, False))} {count[quantity, kind, True]}' for kind in kinds]
        total = [sum(count[quantity, kind, equal] for kind in kinds for equal in which) for which in ((True, False), (True,))]
        print(f'{quantity} compared {total[0]} equal {total[1]} ({"; ".join(cells)})')
        for text in examples[quantity][:args.list]:
            print('    ' + text)


if __name__ == '__main__':
    main()
