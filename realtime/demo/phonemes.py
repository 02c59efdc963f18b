"""What the mouth does: formants of vowels and consonants, and how each sound is excited.

Vowels: average formants of 48 women, J. Hillenbrand, L. A. Getty, M. J. Clark and K. Wheeler, "Acoustic
characteristics of American English vowels", J. Acoust. Soc. Am. 97 (1995) 3099-3111, table V.
Consonants: D. H. Klatt, "Software for a cascade/parallel formant synthesizer", J. Acoust. Soc. Am. 67
(1980) 971-995, tables II and III; his speaker was a man, so they are scaled up to a woman's vocal tract.
Sounds are named as in ARPAbet.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import AdvsepError

_WOMAN_TO_MAN = 1.16
_F4_HZ = 4200.0


@dataclass(frozen=True)
class Sound:
    """One steady stretch of articulation, between which the singer glides.

    Attributes:
        formants_hz: the first four resonances.
        duration_s: how long it takes; None for what fills the time that is left (a vowel).
        voicing: amplitude of the vocal folds, 0…1.
        aspiration: amplitude of the breath that runs through the same formants, 0…1.
        frication: amplitude of the noise made at the lips or teeth, 0…1.
        frication_band_hz: lower and upper corner of that noise.
        nasal: 1 where the nose is open, 0 elsewhere.
    """

    formants_hz: tuple[float, float, float, float]
    duration_s: float | None = None
    voicing: float = 0.0
    aspiration: float = 0.0
    frication: float = 0.0
    frication_band_hz: tuple[float, float] = (3000.0, 9000.0)
    nasal: float = 0.0


_VOWEL_FORMANTS_HZ: dict[str, tuple[float, float, float, float]] = {
    "IY": (437, 2761, 3372, 4352),
    "IH": (483, 2365, 3053, 4334),
    "E": (536, 2530, 3047, 4319),
    "EH": (731, 2058, 2979, 4294),
    "AE": (669, 2349, 2972, 4290),
    "AA": (936, 1551, 2815, 4299),
    "AO": (781, 1136, 2824, 3923),
    "O": (555, 1035, 2828, 3927),
    "UH": (519, 1225, 2827, 4052),
    "UW": (459, 1105, 2735, 4115),
    "AH": (753, 1426, 2933, 4092),
    "ER": (523, 1588, 1929, 3914),
}

# A diphthong dwells on its first target, which is what the note is sung on, and closes at the end.
_DIPHTHONGS: dict[str, tuple[str, str]] = {
    "EY": ("E", "IY"),
    "AY": ("AA", "IH"),
    "OY": ("AO", "IH"),
    "AW": ("AA", "UH"),
    "OW": ("O", "UW"),
}

_SIBILANT_HZ = (6500.0, 11000.0)
_LABIAL_HZ = (1500.0, 12000.0)


def _woman(f1_hz: float, f2_hz: float, f3_hz: float) -> tuple[float, float, float, float]:
    return (f1_hz * _WOMAN_TO_MAN, f2_hz * _WOMAN_TO_MAN, f3_hz * _WOMAN_TO_MAN, _F4_HZ)


_LIPS, _TEETH, _GUMS = _woman(400, 1100, 2150), _woman(320, 1290, 2540), _woman(400, 1600, 2600)
_S_MOUTH = _woman(320, 1390, 2530)

_CONSONANTS: dict[str, tuple[Sound, ...]] = {
    "W": (Sound(_woman(290, 610, 2150), 0.075, voicing=0.85),),
    "Y": (Sound(_woman(260, 2070, 3020), 0.070, voicing=0.85),),
    "R": (Sound(_woman(310, 1060, 1380), 0.075, voicing=0.85),),
    "L": (Sound(_woman(310, 1050, 2880), 0.075, voicing=0.85),),
    "M": (Sound(_woman(480, 1270, 2130), 0.085, voicing=0.9, nasal=1.0),),
    "N": (Sound(_woman(480, 1340, 2470), 0.085, voicing=0.9, nasal=1.0),),
    "F": (Sound(_woman(340, 1100, 2080), 0.110, aspiration=0.15, frication=0.35, frication_band_hz=_LABIAL_HZ),),
    "V": (Sound(_woman(220, 1100, 2080), 0.070, voicing=0.6, frication=0.15, frication_band_hz=_LABIAL_HZ),),
    "DH": (Sound(_woman(270, 1290, 2540), 0.060, voicing=0.65, frication=0.12, frication_band_hz=_LABIAL_HZ),),
    "S": (Sound(_S_MOUTH, 0.125, frication=0.9, frication_band_hz=_SIBILANT_HZ),),
    "Z": (Sound(_woman(240, 1390, 2530), 0.090, voicing=0.3, frication=0.5, frication_band_hz=_SIBILANT_HZ),),
    "T": (
        Sound(_GUMS, 0.045),
        Sound(_GUMS, 0.022, frication=1.0, frication_band_hz=(3800.0, 8000.0)),
        Sound(_GUMS, 0.035, aspiration=0.5, frication=0.2, frication_band_hz=(3800.0, 8000.0)),
    ),
    "D": (
        Sound(_woman(200, 1600, 2600), 0.045, voicing=0.12),
        Sound(_GUMS, 0.016, voicing=0.3, frication=0.6, frication_band_hz=(3500.0, 7000.0)),
    ),
    "K": (
        Sound(_woman(300, 1990, 2850), 0.050),
        Sound(_woman(300, 1990, 2850), 0.025, frication=1.0, frication_band_hz=(1700.0, 3200.0)),
        Sound(_woman(300, 1990, 2850), 0.035, aspiration=0.5),
    ),
    "P": (
        Sound(_LIPS, 0.055),
        Sound(_LIPS, 0.018, frication=0.7, frication_band_hz=(500.0, 2500.0)),
        Sound(_LIPS, 0.035, aspiration=0.5),
    ),
    "B": (
        Sound(_woman(200, 1100, 2150), 0.055, voicing=0.12),
        Sound(_LIPS, 0.014, voicing=0.4, frication=0.5, frication_band_hz=(500.0, 2500.0)),
    ),
}


def vowel_sounds(name: str) -> tuple[Sound, ...]:
    """The one target of a vowel, or the two of a diphthong."""
    return tuple(
        Sound(_VOWEL_FORMANTS_HZ[target], voicing=1.0, aspiration=0.06) for target in _DIPHTHONGS.get(name, (name,))
    )


def syllable(text: str) -> tuple[tuple[Sound, ...], tuple[Sound, ...], tuple[Sound, ...]]:
    """Splits a syllable such as "S T EY" into the sounds before, of and after its one vowel."""
    names = text.split()
    vowels = [index for index, name in enumerate(names) if name in _VOWEL_FORMANTS_HZ or name in _DIPHTHONGS]
    unknown = [name for index, name in enumerate(names) if index not in vowels and name not in _CONSONANTS]
    if len(vowels) != 1 or unknown:
        message = f"The syllable {text!r} needs exactly one known vowel and known consonants; write it in ARPAbet."
        raise AdvsepError(message)
    before = tuple(sound for name in names[: vowels[0]] for sound in _CONSONANTS[name])
    after = tuple(sound for name in names[vowels[0] + 1 :] for sound in _CONSONANTS[name])
    return before, vowel_sounds(names[vowels[0]]), after


def total_duration_s(sounds: tuple[Sound, ...]) -> float:
    """Sum of the durations of consonants, in seconds."""
    return sum(sound.duration_s or 0.0 for sound in sounds)
