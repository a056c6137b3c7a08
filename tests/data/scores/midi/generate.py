#!/usr/bin/env python3
"""Writes the MIDI fixtures of this folder, byte by byte. Run it here: python3 generate.py"""
import struct


def number(value):
    """A number of variable length."""
    digits = [value & 0x7F]
    while value := value >> 7:
        digits.insert(0, value & 0x7F | 0x80)
    return bytes(digits)


def at(delta, *data):
    return number(delta) + bytes(data)


def meta(delta, kind, data):
    data = data.encode() if isinstance(data, str) else bytes(data)
    return at(delta, 0xFF, kind) + number(len(data)) + data


def note(delta, length, key, channel=0):
    return at(delta, 0x90 | channel, key, 80) + at(length, 0x80 | channel, key, 64)


def tempo(delta, per_minute):
    return meta(delta, 0x51, (60_000_000 // per_minute).to_bytes(3, 'big'))


def meter(delta, beats, power):
    return meta(delta, 0x58, [beats, power, 24, 8])


def key(delta, fifths, minor=0):
    return meta(delta, 0x59, [fifths & 0xFF, minor])


END = meta(0, 0x2F, [])


def chunk(name, data):
    return name + struct.pack('>I', len(data)) + data


def file(form, division, *tracks):
    division = struct.pack('>H', division) if isinstance(division, int) else bytes(division)
    head = struct.pack('>HH', form, len(tracks)) + division
    return chunk(b'MThd', head) + b''.join(chunk(b'MTrk', track) for track in tracks)


def name(text):
    return meta(0, 3, text)


def write(path, data):
    with open(path, 'wb') as out:
        out.write(data)


Q = 96  # Ticks of a quarter.
scale = b''.join(note(0, Q, k) for k in [60, 62, 64, 65, 67, 69, 71, 72])

duet = name('Two voices') + meta(0, 2, 'CC0') + tempo(0, 90) + meter(0, 3, 2) + key(0, -1)
duet += at(0, 0xC0, 73) + at(0, 0xC1, 42)
for k in [65, 67, 69, 70, 69, 67]:
    duet += at(0, 0x90, k, 80) + at(0, 0x91, k - 12, 70) + at(Q, 0x80, k, 0) + at(0, 0x81, k - 12, 0)
write('format-0-two-channels.mid', file(0, Q, duet + END))

conductor = name('Changes') + tempo(0, 120) + meter(0, 4, 2) + key(0, 0)
conductor += tempo(4 * Q, 60) + meter(0, 3, 2) + key(0, 2) + meter(6 * Q, 6, 3) + key(0, -3, 1) + tempo(0, 72)
upper = name('Upper') + meta(0, 4, 'Violin') + at(0, 0xC0, 40) + b''.join(note(0, Q, 72 + i % 5) for i in range(16))
lower = name('Lower') + at(0, 0xC1, 42) + b''.join(
    at(0, 0x91, k, 80) + at(0, 0x91, k + 7, 80) + at(2 * Q, 0x81, k, 0) + at(0, 0x81, k + 7, 0) for k in [48, 50, 52, 53])
write('format-1-changes.mid', file(1, Q, conductor + END, upper + END, lower + END))

write('format-2-two-pieces.mid', file(2, Q, name('First') + meter(0, 2, 2) + scale + END, name('Second') + note(Q, Q, 60) + END))

body = file(0, Q, name('In RIFF') + scale + END)
riff = b'RMID' + b'data' + struct.pack('<I', len(body)) + body + b'\0' * (len(body) % 2)
write('riff.rmi', b'RIFF' + struct.pack('<I', len(riff)) + riff)

# 25 frames of 40 ticks a second: a quarter is 500 ticks, and the tempo does not act.
real = name('Real time') + tempo(0, 30) + b''.join(note(0, 500, k) for k in [60, 64, 67])
write('smpte.mid', file(0, [0x100 - 25, 40], real + END))

running = name('Running') + at(0, 0x90, 60, 80) + at(Q, 60, 0) + at(0, 62, 80) + at(Q, 62, 0)
running += meta(0, 6, 'a marker') + at(0, 64, 80) + at(Q, 64, 0) + at(0, 0xF0, 3, 0x7E, 0x7F, 0xF7) + at(0, 65, 80) + at(Q, 65, 0)
write('running-status.mid', file(0, Q, running + END))

drums = name('Drums') + at(0, 0xC9, 0) + b''.join(note(0, Q // 2, k, 9) for k in [36, 42, 38, 42])
write('channel-10.mid', file(1, Q, name('Kit') + END, drums + END))

overlap = at(0, 0x90, 60, 80) + at(Q, 0x90, 60, 80) + at(Q, 0x80, 60, 0) + at(Q, 0x80, 60, 0)
write('overlap.mid', file(0, Q, overlap + END))

hanging = at(0, 0x80, 50, 0) + at(0, 0x90, 60, 80) + at(Q, 0x90, 64, 80) + at(Q, 0x80, 64, 0)
hanging += at(0, 0x91, 67, 80) + at(Q, 0xB1, 123, 0) + at(0, 0x90, 72, 80) + at(0, 0x80, 72, 0)
write('hanging.mid', file(0, Q, hanging + meta(Q, 0x2F, [])))

write('no-end-of-track.mid', file(0, Q, name('No end') + scale))

write('odd-chunks.mid', b'\0' * 128 + file(1, Q, name('Behind MacBinary') + END) + chunk(b'XFIH', b'\1\2\3')
      + chunk(b'MTrk', scale + END) + b'rest')

# Events that bear on no note: sequence number, text, lyrics, cue, port, SMPTE offset, own data; controllers, bend, pressure.
silent = meta(0, 0, [0, 1]) + name('Passed over') + meta(0, 1, 'text') + meta(0, 7, 'cue') + meta(0, 0x20, [0]) + meta(0, 0x21, [0])
silent += meta(0, 0x54, [0, 0, 0, 0, 0]) + meta(0, 0x7F, [0, 0, 9]) + at(0, 0xB0, 7, 100) + at(0, 0xB0, 64, 127) + at(0, 0xE0, 0, 70)
silent += b''.join(meta(0, 5, 'la') + note(0, Q, k) + at(0, 0xA0, k, 9) + at(0, 0xD0, 9) for k in [60, 64, 67])
write('passed-over.mid', file(0, Q, silent + END))

write('broken-cut.mid', file(1, Q, name('Cut') + END, scale + END, scale + END)[:-17])

# Programs before the first note, between notes, with a bank; controllers of a channel.
changes = name('Programs') + at(0, 0xC0, 5) + at(0, 0xC0, 40) + note(0, Q, 60) + at(0, 0xC0, 41) + note(0, Q, 62)
changes += at(0, 0xB0, 0, 8) + at(0, 0xC0, 41) + note(0, Q, 64)
write('programs.mid', file(0, Q, changes + END))

# Lyrics whose words end in spaces, a cue, a marker; in the track behind, a note.
sung = name('Sung') + meta(0, 6, 'Verse') + meta(0, 7, 'curtain') + b''.join(
    meta(0, 5, t) + note(0, Q, k) for t, k in [('glo', 60), ('ri', 62), ('a ', 64), ('\\tua', 65)])
write('words.mid', file(1, Q, sung + END, name('Beside') + note(0, Q, 48) + END))

karaoke = name('Words') + meta(0, 1, '@KMIDI KARAOKE FILE') + meta(0, 1, '@TA title') + b''.join(
    meta(0 if i == 0 else Q, 1, t) for i, t in enumerate(['\\La', ' li', '/lo', 'ra']))
write('karaoke.mid', file(1, Q, name('Soft karaoke') + END, karaoke + END, scale + END))

# A format that is none; a key and a tempo out of range; a note written backwards; a running status across a meta event.
odd = name('Odd') + key(0, 9) + meta(0, 0x51, [0, 0, 0]) + scale
write('odd-values.mid', file(7, Q, odd + END, note(0, Q, 48) + END))

# An event without a status in the first track; the second is sound.
write('broken-event.mid', file(1, Q, at(0, 0x10, 0x20) + note(0, Q, 60) + END, scale + END))
