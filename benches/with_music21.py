#!/usr/bin/env python3
"""What music21 takes over some scores, for `analyse --music21`: one JSON object of CPU seconds.

`harmony`: reading, key, chords of all parts, their Roman numerals, parallel fifths and octaves of all pairs of parts.
`features`: reading, and all 92 features that it implements.
"""
import itertools, json, sys, time, warnings

warnings.simplefilter('ignore')
from music21 import converter, features, note, roman, voiceLeading


def parallels(score):
    for moment in score.asTimespans().iterateVerticalities():
        for pairs in moment.getAllVoiceLeadingQuartets(includeRests=True, returnObjects=False):
            notes = [span.element for span in itertools.chain(*pairs)]
            if all(isinstance(each, note.Note) for each in notes):
                quartet = voiceLeading.VoiceLeadingQuartet(*notes)
                yield quartet.parallelFifth() or quartet.parallelOctave()


def harmony(path):
    score = converter.parse(path, forceSource=True)
    key = score.analyze('key')
    chords = score.chordify().recurse().getElementsByClass('Chord')
    return [roman.romanNumeralFromChord(chord, key).figure for chord in chords], sum(parallels(score))


def every_feature(path):
    data = features.DataInstance(converter.parse(path, forceSource=True))
    for extractor in features.jSymbolic.featureExtractors + features.native.featureExtractors:
        try:
            extractor(data).extract()
        except Exception:  # Some refuse scores without what they measure.
            pass


def seconds(work, paths):
    began = time.process_time()
    for path in paths:
        work(path)
    return time.process_time() - began


if __name__ == '__main__':
    paths = sys.argv[1:]
    harmony(paths[0])  # What is imported and worked out at the first call is not the scores' cost.
    print(json.dumps({'harmony': seconds(harmony, paths), 'features': seconds(every_feature, paths)}))
