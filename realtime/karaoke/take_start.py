"""A take of what an engine plays now, with everything that is to be known of it later."""

from __future__ import annotations

from pathlib import Path

from ..engine_settings import EngineSettings
from ..errors import AdvsepError
from ..rack_spec import MICROPHONE
from ..status import EngineStatus
from ..telemetry import Telemetry
from ..telemetry_rings import stems_ring
from .delays import DevicePair
from .karaoke_path import RAW_MICROPHONE
from .karaoke_song import KaraokeSong
from .take import TakeRecorder
from .take_details import TakeDetails


def late_samples(status: EngineStatus, tracks_delay_samples: int, device_delay_s: float) -> dict[str, int]:
    """By how much the microphone's tracks are later than the song's in an engine's ring.

    What is heard of the song leaves the engine `latency_samples` after it was taken, and a voice that is on time with
    it comes back through the device. The song's tracks lie in the ring as late as plugins of strips make them, as does
    the processed microphone.

    Args:
        status: of the engine.
        tracks_delay_samples: by how much tracks are late in the ring, see `Layout.delay_samples`.
        device_delay_s: from the device's output to its input.
    """
    device = round(device_delay_s * status.rate_hz)
    return {
        RAW_MICROPHONE: status.latency_samples + device - tracks_delay_samples,
        MICROPHONE: status.latency_samples + device,
    }


def device_pair(settings: EngineSettings, status: EngineStatus) -> DevicePair:
    """What a measured delay belongs to."""
    return DevicePair(
        input=settings.input,
        output=settings.output,
        rate_hz=status.rate_hz or settings.rate_hz or 0,
        block_samples=settings.block_samples or 0,
    )


def start_take(
    telemetry: Telemetry,
    status: EngineStatus,
    settings: EngineSettings,
    song: KaraokeSong,
    folder: Path,
    *,
    device_delay_s: float,
    singer: str = "",
) -> TakeRecorder:
    """Record from now on.

    Args:
        telemetry: of the engine.
        status: of the engine, now.
        settings: of the engine.
        song: that is sung to.
        folder: of the take.
        device_delay_s: measured, or what the device declares.
        singer: who sings.

    Raises:
        AdvsepError: nothing plays, or nothing can be written there.
    """
    reader, layout = stems_ring(telemetry)
    if not layout.tracks or settings.backing is None:
        raise AdvsepError("a take: expected a song that is sung to, found none; choose a song first")
    details = TakeDetails(
        name=song.title,
        song=song.title,
        song_path=str(song.path),
        singer=singer,
        position_s=status.position_s,
        model=song.separation.entry.facts.model,
        key_semitones=status.key_semitones,
        tempo_percent=100 * status.tempo,
    )
    late = late_samples(status, layout.delay_samples, device_delay_s)
    take = TakeRecorder(reader, folder, details, layout.tracks, layout.rate_hz, late_samples=late)
    take.start()
    return take
