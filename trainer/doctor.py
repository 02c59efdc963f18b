"""What is wrong with data sets, found before any training step: every file is decoded once and listened to."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import combinations

import numpy as np
import soundfile
from numpy.typing import NDArray

from ..realtime.errors import AdvsepError
from .datasets.track import ROLES, DatasetTrack, Part, Role, artist_key, read_part
from .doctor_sound import Sound, cut_short, faults_of, fingerprint, measure, step_of

LOSSLESS_SUFFIXES = (".wav", ".flac", ".aiff", ".aif", ".caf")
LARGEST_RESIDUAL_DB = -40.0
LARGEST_LOSSY_RESIDUAL_DB = -20.0
SAME_SECONDS = 0.05
SAME_CORRELATION = 0.99


@dataclass(frozen=True, slots=True)
class Finding:
    """Something to know of a track.

    Attributes:
        kind: `file`, `truncated`, `rate`, `channels`, `length`, `silence`, `clipping`, `dc`, `mix`, `duplicate`,
            `artist`, `bleed` or `partition`.
        track: corpus and name.
        text: one sentence.
        is_fault: whether it should be mended before training; otherwise it is only worth knowing.
    """

    kind: str
    track: str
    text: str
    is_fault: bool = True


@dataclass(frozen=True, slots=True)
class Checked:
    """What was found in one track.

    Attributes:
        sounds: of each source, its sum; of the mixture, as shipped.
        prints: seconds and fingerprint of what must not come twice.
    """

    track: DatasetTrack
    findings: list[Finding]
    sounds: dict[Role, Sound]
    prints: dict[Role, tuple[float, NDArray[np.float32]]]


@dataclass(slots=True)
class _Sums:
    """The sources of a track while its parts are read one by one."""

    label: str
    findings: list[Finding] = field(default_factory=list)
    totals: dict[Role, NDArray[np.float32]] = field(default_factory=dict)
    broken: set[Role] = field(default_factory=set)
    first: tuple[Part, tuple[int, ...], int] | None = None

    def add(self, kind: str, text: str, *, is_fault: bool = True) -> None:
        self.findings.append(Finding(kind, self.label, text, is_fault))


def label(track: DatasetTrack) -> str:
    """How findings name a track."""
    return f"{track.corpus}/{track.name}"


def check_track(track: DatasetTrack) -> Checked:
    """Decode one track, a part at a time, and measure it; takes the memory of about five of its files as float32."""
    sums = _Sums(label(track))
    if track.has_bleed:
        sums.add("bleed", "its sources leak into each other, says the set", is_fault=False)
    for path in dict.fromkeys(part.path for role in ROLES for part in track.parts(role)):
        why = cut_short(path)
        if why is not None:
            sums.add("truncated", f"{path}: the end is missing: the file {why}; get a whole copy")
    for role in ROLES:
        for part in track.parts(role):
            _add_part(sums, role, part)
    whole: dict[Role, NDArray[np.float32]] = {
        role: total for role, total in sums.totals.items() if role not in sums.broken
    }
    rate_hz = 0 if sums.first is None else sums.first[2]
    sounds: dict[Role, Sound] = {role: measure(total, rate_hz) for role, total in whole.items()}
    for role, sound in sounds.items():
        for kind, text in faults_of(sound):
            if kind == "silence":  # a silent drum stem is music, a silent source is not
                sums.add(kind, f"{role} {text}")
    _compare_mixture(sums, track, whole)
    return Checked(track, sums.findings, sounds, _prints(track, whole, rate_hz))


def _add_part(sums: _Sums, role: Role, part: Part) -> None:
    try:
        samples, rate_hz = read_part(part)
    except AdvsepError as error:
        sums.broken.add(role)
        sums.add("file", str(error))
        return
    if part.path.suffix.lower() == ".flac" and len(samples) < soundfile.info(part.path).frames:
        sums.add("truncated", f"{part}: the end is missing: decodes to {len(samples)} samples; get a whole copy")
    for kind, text in faults_of(measure(samples, rate_hz)):
        if kind != "silence":
            sums.add(kind, f"{part}: {text}")
    if sums.first is None:
        sums.first = (part, samples.shape, rate_hz)
    unlike = _difference(sums.first, samples.shape, rate_hz)
    if unlike is not None:
        sums.broken.add(role)
        kind, found = unlike
        sums.add(kind, f"{part}: {found} as {sums.first[0].path.name} has; cut, pad or convert one")
    elif role in sums.totals:
        sums.totals[role] = sums.totals[role] + samples
    else:
        sums.totals[role] = samples


def _difference(
    first: tuple[Part, tuple[int, ...], int], shape: tuple[int, ...], rate_hz: int
) -> tuple[str, str] | None:
    _, (samples, channels), first_hz = first
    if rate_hz != first_hz:
        return "rate", f"{rate_hz} Hz instead of {first_hz} Hz"
    if shape[1] != channels:
        return "channels", f"{shape[1]} channels instead of {channels}"
    if shape[0] != samples:
        return (
            "length",
            f"{shape[0] / rate_hz:.3f} s ({shape[0]} samples) instead of {samples / rate_hz:.3f} s ({samples})",
        )
    return None


def _compare_mixture(sums: _Sums, track: DatasetTrack, whole: dict[Role, NDArray[np.float32]]) -> None:
    """Say so where the shipped mixture is not the sum of its sources."""
    if len(whole) < len(ROLES) or track.mixture is None:
        return
    mixture = whole["mixture"]
    residual = mixture - whole["vocals"] - whole["accompaniment"]
    parts = [part for role in ROLES for part in track.parts(role)]
    if float(np.abs(residual).max()) <= sum(step_of(part.path) for part in parts) / 2 + 1e-6:
        return  # nothing but what rounding to the files' format leaves
    power = float((mixture.astype(np.float64) ** 2).sum())
    residual_db = 10 * np.log10((residual.astype(np.float64) ** 2).sum() / power) if power > 0 else np.inf
    lossless = all(part.path.suffix.lower() in LOSSLESS_SUFFIXES for part in parts)
    allowed_db = LARGEST_RESIDUAL_DB if lossless else LARGEST_LOSSY_RESIDUAL_DB
    if residual_db <= allowed_db:
        return
    text = f"{track.mixture}: what remains of it without its sources is at {residual_db:.1f} dB"
    if track.mastered:
        sums.add("mix", f"{text}: it is mastered; train and test on the sum of the sources", is_fault=False)
    else:
        sums.add("mix", f"{text}, allowed are {allowed_db:.0f} dB; render the mixture or a source again")


def _prints(
    track: DatasetTrack, whole: dict[Role, NDArray[np.float32]], rate_hz: int
) -> dict[Role, tuple[float, NDArray[np.float32]]]:
    """Fingerprints of the voice and of the mixture; of an accompaniment alone only: karaoke sets use theirs twice."""
    chosen: dict[Role, NDArray[np.float32]] = {}
    if "vocals" in whole:
        chosen["vocals"] = whole["vocals"]
    if track.is_paired and "vocals" in whole and "accompaniment" in whole:
        chosen["mixture"] = whole["vocals"] + whole["accompaniment"]
    elif "mixture" in whole:
        chosen["mixture"] = whole["mixture"]
    elif "accompaniment" in whole and not track.vocals:
        chosen["accompaniment"] = whole["accompaniment"]
    prints: dict[Role, tuple[float, NDArray[np.float32]]] = {}
    for role, samples in chosen.items():
        made = fingerprint(samples, rate_hz)
        if made is not None:  # silence is like any other
            prints[role] = (len(samples) / rate_hz, made)
    return prints


def find_duplicates(checked: Iterable[Checked]) -> list[Finding]:
    """Tracks that hold the same voice, mixture or lone accompaniment as another, whatever the format, rate or gain.

    The middle 20 seconds are correlated, without a shift: copies that an MP3 encoder delayed are not found.
    """
    listed = list(checked)
    pairs: dict[tuple[str, str], Finding] = {}
    for role in ROLES:
        ordered = sorted((one.prints[role][0], n) for n, one in enumerate(listed) if role in one.prints)
        for at, (seconds, n) in enumerate(ordered):
            for other_seconds, m in ordered[at + 1 :]:
                if other_seconds - seconds > SAME_SECONDS:
                    break
                if _correlation(listed[n].prints[role][1], listed[m].prints[role][1]) < SAME_CORRELATION:
                    continue
                one, other = (label(listed[i].track) for i in sorted((n, m)))
                text = f"holds the same {role} as {one}; keep one of them"
                pairs.setdefault((one, other), Finding("duplicate", other, text))
    return list(pairs.values())


def _correlation(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    count = min(len(one), len(other))
    return abs(float(one[:count] @ other[:count]))


def find_shared_artists(
    tracks: Iterable[DatasetTrack], share_of: Callable[[DatasetTrack], str | None]
) -> list[Finding]:
    """Artists with tracks in more than one share; tracks without a share count for none."""
    artists: dict[str, dict[str, list[DatasetTrack]]] = {}
    for track in tracks:
        share = share_of(track)
        if share is not None and track.artist:
            artists.setdefault(artist_key(track), {}).setdefault(share, []).append(track)
    found: list[Finding] = []
    for shares in artists.values():
        for (one, here), (other, there) in combinations(shares.items(), 2):
            text = f"{here[0].artist} is in {one}, and in {other} with {label(there[0])}; keep an artist on one side"
            found.append(Finding("artist", label(here[0]), text))
    return found
