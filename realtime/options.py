"""What the command line of `advsep-live` says, and what of it would be misunderstood later."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field, replace
from pathlib import Path

from .engine_settings import AUTO, DEMO, PIPE, check_loop, is_sound_source
from .errors import AdvsepError
from .karaoke.guide import with_guide
from .rack_spec import RackSpec
from .registry import DEFAULT_MODEL, best_model
from .tune import AS_IT_IS, Tune

NULL = "null"
OUTPUT_WORDS = (AUTO, NULL, "speakers")
_PLACE = re.compile(r"(?:(?P<minutes>\d+):)?(?P<seconds>\d+(?:\.\d*)?)")
OTHER_FORMATS = (".mp3", ".flac", ".ogg", ".opus", ".m4a", ".aac", ".aif", ".aiff", ".caf", ".w64")


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveOptions:
    """What the command line says; see `advsep-live --help`.

    Attributes:
        model: that was asked for, see `model_name`.
        rack: from preset and chain.
        gains_db: of single strips, instead of the rack's.
        muted: strips, besides the rack's.
        loop: two places in a song, in seconds, to go round between.
        song: to sing to; the source is one's own voice then. None: the source is separated.
        guide: share of the song's voice that is heard, 0 to 1.
        tune: of the song.
    """

    source: str
    output: str = AUTO
    model: str | None = None
    rack: RackSpec = field(default_factory=RackSpec)
    gains_db: dict[str, float] = field(default_factory=dict)
    muted: tuple[str, ...] = ()
    bypassed: bool = False
    record: Path | None = None
    seconds: float | None = None
    accept_damaged: bool = False
    rate_hz: int | None = None
    block_samples: int | None = None
    start_s: float = 0.0
    loop: tuple[float, float] | None = None
    as_json: bool = False
    song: Path | None = None
    guide: float = 0.0
    tune: Tune = AS_IT_IS

    def check(self) -> None:
        """Refuse what cannot be meant.

        Raises:
            AdvsepError: which option, what was expected, what was found.
        """
        numbers = {f"the level of {name}": gain_db for name, gain_db in self.gains_db.items()}
        for what, value in (numbers | {"--seconds": self.seconds, "--start": self.start_s}).items():
            if value is not None and not math.isfinite(value):
                raise AdvsepError(f"{what}: expected a number, got {value}; leave the option out for its default")
        if not self.source:
            raise AdvsepError("-i '': expected a device such as 'mic', or a sound file; see --help")
        if self.song is not None and (is_sound_source(self.source) or self.writes_files):
            raise AdvsepError("--karaoke: expected devices as -i and -o, found a file; --record keeps takes")
        if not self.output:
            raise AdvsepError("-o '': expected a folder, a .wav file or a device; see --help")
        check_loop(self.moving, self.loop)
        if self.loop is not None and self.start_s >= self.loop[1]:
            raise AdvsepError(
                f"--start {self.start_s:g}: expected a place before the loop's end at {self.loop[1]:g} s; start earlier"
            )
        if self.loop is not None and self.converts:
            raise AdvsepError("--loop goes with playing; leave it out, or the output's file or folder")
        if self.output == PIPE and self.as_json:
            raise AdvsepError("-o - --json: both would be written to standard output; leave out one")
        if Path(self.output).suffix.lower() in OTHER_FORMATS and not Path(self.output).is_dir():
            raise AdvsepError(
                f"-o {self.output}: only WAV is written; name a .wav file for the mix or a folder for the stems"
            )

    @property
    def moving(self) -> str:
        """What has places to go to."""
        return self.source if self.song is None else str(self.song)

    @property
    def whole_rack(self) -> RackSpec:
        """The rack with the levels that were asked for beside it."""
        rack = self.rack if self.song is None else with_guide(self.rack, self.guide)
        for name, gain_db in self.gains_db.items():
            rack = rack.with_strip(name, replace(rack.named(name), gain_db=gain_db))
        for name in self.muted:
            rack = rack.with_strip(name, replace(rack.named(name), muted=True))
        return rack

    @property
    def model_name(self) -> str:
        """The model that was asked for; else the one of short latency, or the best where a file becomes files."""
        if self.model is not None:
            return self.model
        return best_model() if self.converts else DEFAULT_MODEL

    @property
    def converts(self) -> bool:
        """Whether a file becomes files, as fast as it can be done, rather than sound at its own pace."""
        return self.song is None and is_sound_source(self.source) and self.writes_files

    @property
    def writes_files(self) -> bool:
        """Whether the output is a file or a folder, rather than a device or a word of ours."""
        output = self.output
        if output in OUTPUT_WORDS or output.isdecimal():
            return False
        if output == PIPE or is_mix_file(output) or "/" in output or "\\" in output or Path(output).is_dir():
            return True
        from .device import find_device  # starts PortAudio, which takes its time
        from .stream import DeviceError

        try:
            find_device(output, "output")
        except DeviceError:
            return True
        return False


def is_mix_file(output: str) -> bool:
    """Whether an output names one file for the mix, or a pipe, rather than a folder for the stems."""
    return output == PIPE or Path(output).suffix.lower() == ".wav"


def refuse_overwriting(song: str, paths: list[Path]) -> None:
    """Keep the song itself, and one output from another's place.

    Raises:
        AdvsepError: which file would be lost.
    """
    for path in paths:
        if song not in (DEMO, PIPE) and path.exists() and Path(song).exists() and path.samefile(song):
            raise AdvsepError(f"{path}: is the song itself and would be lost; choose another output")
    if len({path.absolute() for path in paths}) < len(paths):
        raise AdvsepError(f"{paths[-1]}: the mix and a stem would be the same file; choose another name for the mix")


def parse_loop(text: str) -> tuple[float, float]:
    """Two places of a song, `1:05-1:32` or `65-92.5`, in seconds.

    Raises:
        AdvsepError: what was expected and what was found.
    """
    parts = [_PLACE.fullmatch(part.strip()) for part in text.split("-")]
    if len(parts) != 2 or None in parts:
        raise AdvsepError(f"--loop {text}: expected two places as seconds or m:ss, such as 1:05-1:32; write it so")
    begin_s, end_s = (60 * float(part["minutes"] or 0) + float(part["seconds"]) for part in parts if part is not None)
    return begin_s, end_s
