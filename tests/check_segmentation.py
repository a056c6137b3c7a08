#!/usr/bin/env python3
"""Holds `segmentation` against the phrase marks of the Essen folk songs in Humdrum kern.

usage: check_segmentation.py TABLE.jsonl FOLDER
FOLDER holds the kern files under the same names as the sources of the table. Songs with chords or several spines, and those with fewer
than two phrases, are passed over. The first phrase of a song is no boundary. Songs are halved by the last digit of their names: even ones
are those that the weights of `grouper` and the threshold of `lbdm` were chosen on.
"""
import collections, json, os, re, sys


def phrases(path):
    """Indices of the notes with which phrases begin, ties merged; nothing for a song that is passed over."""
    starts, notes, opens = set(), 0, False
    for line in open(path, encoding='latin1'):
        token = line.rstrip('\n')
        if not token or token[0] in '!=*.':
            if '\t' in token or token in ('*^', '*v'):
                return None
            continue
        if '\t' in token or ' ' in token:
            return None
        if 'q' in token or 'Q' in token:
            continue
        opens |= '{' in token
        if 'r' in token:
            continue
        if not ('_' in token or ']' in token):
            if opens:
                starts.add(notes)
            opens = False
            notes += 1
    return starts if len(starts) > 1 else None


def main():
    counts = collections.defaultdict(lambda: [0, 0, 0, 0])
    for line in open(sys.argv[1]):
        row = json.loads(line)
        source = row['source'].replace('\\', '/')
        path = source if os.path.exists(source) else os.path.join(sys.argv[2], source)
        lines = (row['findings'].get('segmentation') or {}).get('lines') or []
        theirs = phrases(path)
        if theirs is None or len(lines) != 1:
            continue
        ours = {phrase[0] for phrase in lines[0]['phrases']} - {0}
        theirs -= {0}
        digit = re.sub(r'\D', '', os.path.basename(source))[-1:] or '0'
        scope = counts['test' if int(digit) % 2 else 'fit']
        for index, value in enumerate((len(ours & theirs), len(ours), len(theirs), 1)):
            scope[index] += value
    print('half\tsongs\tmarked\tfound\tright\tprecision\trecall\tF1')
    for half, (right, found, marked, songs) in sorted(counts.items()):
        print(f'{half}\t{songs}\t{marked}\t{found}\t{right}\t{right / max(found, 1):.3f}\t{right / max(marked, 1):.3f}\t{2 * right / max(found + marked, 1):.3f}')


main()
