#!/usr/bin/env python3
"""Holds melodic n-grams and contrapuntal modules against CRIM Intervals.

usage: check_counterpoint.py TABLE.jsonl [--list N]
Needs crim-intervals, and a table of `--analyses ngrams,modules` whose sources are paths that can be opened; MusicXML files
are compared. Prints, per quantity, how many n-grams each counted and how many both, then the first N pieces that differ.
"""
import argparse, collections, json, pathlib


def rows_of(table):
    for line in open(table):
        row = json.loads(line)
        if row['state'] == 'ok':
            yield row


def crim(args):
    import crim_intervals
    totals, differ = collections.defaultdict(lambda: [0, 0, 0, 0]), []
    for row in rows_of(args.table):
        path = pathlib.Path(row['source'])
        if path.suffix not in ('.mxl', '.musicxml', '.xml'):
            continue
        found = row['findings']
        try:
            piece = crim_intervals.importScore(str(path))
            theirs = {
                'ngrams': piece.ngrams(df=piece.melodic('d'), n=3),
                'modules': piece.ngrams(n=3),
            }
        except Exception as error:  # a peer that fails is told, not counted
            print(f'{path}: CRIM: {error!r}'[:200])
            continue
        for name in ('ngrams', 'modules'):
            values = [value for column in theirs[name] for value in theirs[name][column].dropna()]
            want = collections.Counter(value.replace(', ', ' ') if name == 'ngrams' else value for value in values)
            got = collections.Counter({gram[0]: gram[1] for gram in found[name][name]})
            same = sum((want & got).values())
            total = totals[name]
            total[0] += sum(want.values())
            total[1] += sum(got.values())
            total[2] += same
            total[3] += want == got
            if want != got:
                lacks, more = want - got, got - want
                differ.append(f'{path} {name}: CRIM only {lacks.most_common(4)}, ours only {more.most_common(4)}')
    for name, (want, got, same, pieces) in totals.items():
        print(f'{name}: CRIM {want} ours {got} equal {same}, pieces that are equal {pieces}')
    print('\n'.join(differ[:args.list]))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--list', type=int, default=0)
    parser.add_argument('table')
    crim(parser.parse_args())


if __name__ == '__main__':
    main()
