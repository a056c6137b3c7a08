#!/usr/bin/env python3
"""Holds intervals, rhythm, meters and key signatures of a compat table against what music21 10.5.1 says of the same files.

usage: check_lines.py TABLE.jsonl ORACLE.jsonl[.gz] [--list N]
Prints, per quantity and format, how many values were compared and how many are equal, then the first N differences. The
oracle's numbers are rounded to six digits. MIDI is left out: music21 rounds it to a grid.
"""
import argparse, collections, gzip, json


def rows_of(table):
    rows = collections.defaultdict(dict)
    for line in open(table):
        row = json.loads(line)
        rows[row['source'].replace('\\', '/')][row.get('piece', 0)] = row
    return rows


def counts(pairs):
    return {str(key): count for key, count in pairs}


def near(theirs, ours):
    return theirs == ours if None in (theirs, ours) else abs(theirs - ours) <= 1e-6


def signatures(theirs, ours, value):
    """Where each begins, on both sides: offset within the measure is left out, since measures are found by offset alone."""
    return [row[2] for row in theirs] == [value(row) for row in ours]


def compare(score, findings, tell):
    staves = findings['durations']['staves']
    parts = [part for part in score['parts'] if part['rhythm']]
    if len(parts) != len(staves):
        tell('lines.parts', False, f'music21 {len(parts)}, ours {len(staves)}')
        return
    tell('durations.rests', score['rests_rhythm'] == counts(findings['durations']['rests']),
         f'music21 {score["rests_rhythm"]}, ours {findings["durations"]["rests"]}')
    lines = {(line['part'], line['staff']): line for line in findings['melodic_intervals']['lines']}
    npvi = {(line['part'], line['staff']): line for line in findings['npvi']['lines']}
    for number, (part, staff) in enumerate(zip(parts, staves)):
        place = (staff['part'], staff['staff'])
        tell('durations.notes', part['rhythm'] == counts(staff['notes']), f'part {number}: music21 {part["rhythm"]}, ours {staff["notes"]}')
        if not part.get('monophonic'):
            continue
        line = lines.get(place, {'all': [], 'adjacent': []})
        for field, name in (('mel_all', 'all'), ('mel_norest', 'adjacent')):
            tell(f'melodic_intervals.{name}', part[field] == counts(line[name]), f'part {number}: music21 {part[field]}, ours {line[name]}')
        line = npvi.get(place, {'written': None, 'notes': None})
        for field, name in (('npvi', 'written'), ('npvi_notes_stripped', 'notes')):
            tell(f'npvi.{name}', near(part.get(field), line[name]), f'part {number}: music21 {part.get(field)}, ours {line[name]}')


def main():
    args = argparse.ArgumentParser()
    args.add_argument('table')
    args.add_argument('oracle')
    args.add_argument('--list', type=int, default=0)
    args = args.parse_args()
    rows = rows_of(args.table)
    compared, equal = collections.Counter(), collections.Counter()
    differences = collections.defaultdict(list)
    opened = gzip.open if args.oracle.endswith('.gz') else open
    for line in opened(args.oracle, 'rt'):
        record = json.loads(line)
        if record['format'] == 'mid':
            continue
        pieces = next((found for source, found in rows.items() if source.endswith(record['path'])), None)
        for index, score in enumerate(record.get('tunes') or [record.get('score')]):
            row = (pieces or {}).get(index)
            if not score or not score.get('parts') or not row or row['state'] == 'failed':
                continue

            def tell(quantity, same, difference):
                compared[quantity, record['format']] += 1
                equal[quantity, record['format']] += same
                if not same:
                    differences[quantity].append(f'{record["path"]}#{index}: {difference}')

            compare(score, row['findings'], tell)
    for quantity in sorted({quantity for quantity, _ in compared}):
        formats = sorted(form for name, form in compared if name == quantity)
        each = '; '.join(f'{form} {compared[quantity, form]} {equal[quantity, form]}' for form in formats)
        total = sum(compared[quantity, form] for form in formats), sum(equal[quantity, form] for form in formats)
        print(f'{quantity} compared {total[0]} equal {total[1]} ({each})')
        for difference in differences[quantity][:args.list]:
            print('   ', difference)


if __name__ == '__main__':
    main()
