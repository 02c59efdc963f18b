"""The song itself: tempo, chords, melody and words, written for this project.

    Turn my voice down, turn it low,
    all the band will stay and play.
    Every word I used to know
    slowly, softly fades away.

Twelve bars of four beats in D major: two of introduction, four sung, one for the band, four sung, an ending.
"""

from __future__ import annotations

from dataclasses import dataclass

from .articulation import SungNote

BEATS_PER_MINUTE = 100.0
BEAT_S = 60.0 / BEATS_PER_MINUTE
BEATS_PER_BAR = 4
BARS = 12
BAR_S = BEATS_PER_BAR * BEAT_S
SONG_S = BARS * BAR_S
FIRST_SUNG_BAR = 2
INTERLUDE_BAR = 6
LAST_BAR = 11


@dataclass(frozen=True)
class Chord:
    """A chord and when it sounds.

    Attributes:
        start_beat: counted from the start of the song.
        beats: how long it lasts.
        bass_midi: root for the bass guitar, MIDI note number.
        voicing_midi: notes for the keyboard, from low to high.
    """

    start_beat: float
    beats: float
    bass_midi: int
    voicing_midi: tuple[int, ...]


def _chord(bar: float, beats: float, bass_midi: int, *voicing_midi: int) -> Chord:
    return Chord(bar * BEATS_PER_BAR, beats, bass_midi, voicing_midi)


CHORDS: tuple[Chord, ...] = (
    _chord(0, 4, 38, 57, 61, 64, 66),  # Dmaj9
    _chord(1, 2, 43, 59, 62, 64, 66),  # Gmaj7 with the sixth
    _chord(1.5, 2, 33, 57, 59, 62, 64),  # A9sus4
    _chord(2, 4, 38, 57, 61, 64, 66),  # Dmaj9
    _chord(3, 4, 35, 57, 61, 62, 66),  # Bm9
    _chord(4, 4, 43, 57, 59, 62, 64),  # G6/9
    _chord(5, 2, 33, 55, 59, 62, 64),  # A9sus4
    _chord(5.5, 2, 33, 55, 59, 61, 64),  # A9
    _chord(6, 2, 42, 57, 61, 64, 66),  # F#m7
    _chord(6.5, 2, 35, 57, 61, 62, 66),  # Bm9
    _chord(7, 4, 40, 55, 59, 62, 66),  # Em9
    _chord(8, 4, 33, 55, 59, 61, 66),  # A13
    _chord(9, 2, 43, 59, 62, 64, 66),  # Gmaj7 with the sixth
    _chord(9.5, 2, 43, 58, 62, 64, 67),  # Gm6
    _chord(10, 2, 42, 57, 62, 64, 66),  # D/F#
    _chord(10.5, 2, 33, 55, 59, 62, 64),  # A9sus4
    _chord(11, 4, 38, 57, 59, 64, 66),  # D6/9
)

# Bar, beat in the bar, beats, MIDI note, syllable in ARPAbet, effort. An empty syllable carries the vowel on.
_MELODY: tuple[tuple[int, float, float, int, str, float], ...] = (
    (2, 0.0, 1.0, 66, "T ER N", 0.70),  # turn
    (2, 1.0, 0.5, 64, "M AY", 0.60),  # my
    (2, 1.5, 1.0, 69, "V OY S", 0.80),  # voice
    (2, 2.5, 1.5, 66, "D AW N", 0.70),  # down
    (3, 0.0, 0.5, 64, "T ER N", 0.65),  # turn
    (3, 0.5, 1.0, 62, "IH T", 0.60),  # it
    (3, 1.5, 1.75, 59, "L OW", 0.60),  # low
    (4, 0.0, 1.0, 67, "AO L", 0.70),  # all
    (4, 1.0, 0.5, 69, "DH AH", 0.65),  # the
    (4, 1.5, 1.0, 71, "B AE N D", 0.85),  # band
    (4, 2.5, 1.0, 67, "W IH L", 0.70),  # will
    (4, 3.5, 1.5, 69, "S T EY", 0.85),  # stay
    (5, 1.0, 0.5, 67, "AE N", 0.65),  # and
    (5, 1.5, 2.0, 64, "P L EY", 0.70),  # play
    (7, 0.0, 1.0, 67, "EH V", 0.70),  # ev-
    (7, 1.0, 0.5, 69, "R IY", 0.70),  # -ery
    (7, 1.5, 1.0, 71, "W ER D", 0.85),  # word
    (7, 2.5, 1.0, 74, "AY", 0.95),  # I
    (7, 3.5, 1.5, 73, "Y UW S", 0.95),  # used
    (8, 1.0, 0.5, 71, "T AH", 0.80),  # to
    (8, 1.5, 2.0, 69, "N OW", 0.80),  # know
    (9, 0.0, 1.5, 71, "S L OW", 0.75),  # slow-
    (9, 1.5, 0.5, 69, "L IY", 0.65),  # -ly
    (9, 2.0, 1.5, 70, "S AO F", 0.70),  # soft-
    (9, 3.5, 0.5, 69, "L IY", 0.60),  # -ly
    (10, 0.0, 1.0, 69, "F EY D Z", 0.70),  # fades
    (10, 1.0, 1.0, 66, "", 0.65),
    (10, 2.0, 1.0, 64, "AH", 0.60),  # a-
    (10, 3.0, 3.5, 62, "W EY", 0.55),  # -way
)

MELODY: tuple[SungNote, ...] = tuple(
    SungNote((bar * BEATS_PER_BAR + beat) * BEAT_S, beats * BEAT_S, pitch_midi, words, effort)
    for bar, beat, beats, pitch_midi, words, effort in _MELODY
)

# Bar, beat in the bar, beats, MIDI note: the guitar's answers to the singer.
GUITAR_SOLO: tuple[tuple[int, float, float, int], ...] = (
    (0, 0.0, 1.5, 66),
    (0, 1.5, 0.5, 69),
    (0, 2.0, 1.5, 73),
    (0, 3.5, 0.5, 69),
    (1, 0.0, 1.0, 71),
    (1, 1.0, 0.5, 74),
    (1, 1.5, 1.0, 71),
    (1, 2.5, 0.5, 69),
    (1, 3.0, 1.5, 64),
    (6, 0.0, 0.5, 69),
    (6, 0.5, 0.5, 73),
    (6, 1.0, 0.5, 76),
    (6, 1.5, 1.0, 78),
    (6, 2.5, 0.5, 76),
    (6, 3.0, 0.5, 74),
    (6, 3.5, 1.0, 71),
    (11, 0.5, 3.5, 62),
    (11, 1.0, 3.0, 69),
    (11, 1.5, 2.5, 71),
    (11, 2.0, 2.0, 76),
    (11, 2.5, 1.5, 78),
)
