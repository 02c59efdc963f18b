"""A synthetic song whose tracks, words and notes are known, sung to on JACK: what is heard comes back in."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

pytestmark = pytest.mark.alone

RATE_HZ = 44100
CLAPS_S = (1.0, 1.7, 2.9)

SING = """
import json, sys, time
from dataclasses import replace
from pathlib import Path
import numpy as np
from advsep.realtime.device import find_device
from advsep.realtime.engine_settings import EngineSettings
from advsep.realtime.jack import _connections, _tool
from advsep.realtime.karaoke.delay_measurement import measure_delay
from advsep.realtime.karaoke.guide import with_guide
from advsep.realtime.karaoke.karaoke_song import KaraokeSong
from advsep.realtime.karaoke.lyrics_offsets import LyricsOffsets
from advsep.realtime.karaoke.stem_cache import StemCache
from advsep.realtime.karaoke.stem_chunks import write_chunk
from advsep.realtime.karaoke.take_start import start_take
from advsep.realtime.process import EngineProcess
from advsep.realtime.rack_text import parse_rack

def lead_back():
    ports = _connections()
    ins = sorted(p for p in ports if ":in_" in p and not p.startswith("system"))
    outs = sorted(p for p in ports if ":out_" in p and not p.startswith("system"))
    for port in ins:
        for other in ports[port]:
            _tool("jack_disconnect", other, port)
    for out, port in zip(outs, ins):
        _tool("jack_connect", out, port)

def known_tracks(song, cache, claps):
    # In place of what a model would make of the song: its true tracks.
    with cache.open(song) as entry:
        band, voice = np.zeros((2, entry.samples, 2), np.float32)
        band[[round(clap * 44100) for clap in claps]] = 0.5
        voice += 0.2 * np.sin(2 * np.pi * 440 * np.arange(entry.samples) / 44100)[:, None].astype(np.float32)
        for n in range(entry.chunks):
            part = slice(n * entry.chunk_samples, n * entry.chunk_samples + entry.chunk_length(n))
            write_chunk(entry.chunk_path(n), (band + voice)[part], voice[part], 0, 44100)

if __name__ == "__main__":
    song, folder, claps = Path(sys.argv[1]), Path(sys.argv[2]), json.loads(sys.argv[3])
    cache = StemCache(folder / "cache")
    known_tracks(song, cache, claps)
    device = find_device("system", "input")
    delay = measure_delay(device, device, bursts=4, through_patchbay=True)
    sung = KaraokeSong(song, cache, LyricsOffsets(folder))
    rack = parse_rack("microphone[gain_db=-20]: limiter(lookahead_s=0.002); master: limiter(lookahead_s=0.003)")
    settings = EngineSettings(
        input="system", output="system", rate_hz=44100, backing=sung.backing(), rack=with_guide(rack, 0), paused=True,
        hold_at_end=True,
    )
    engine = EngineProcess(settings)
    engine.start()
    lead_back()
    time.sleep(0.3)
    take = start_take(engine.telemetry, engine.status(), engine.settings, sung, folder / "take",
                      device_delay_s=delay.delay_s)
    engine.set_paused(False)
    levels = {}
    while engine.status().position_s < 3.3:
        time.sleep(0.02)
    take.finish()
    for share in (0.0, 0.5, 1.0):
        engine.set_gain_db("vocals", -6.0206 if share == 0.5 else 0.0)
        engine.set_muted(["vocals"] if share == 0 else [])
        time.sleep(0.4)
        levels[share] = engine.status().levels["vocals"].rms_dbfs
    status = engine.status()
    engine.stop()
    print(json.dumps({
        "delay_samples": delay.delay_s * 44100, "latency": status.latency_samples, "parts": status.latency_parts,
        "levels": [max(-200.0, level) for level in levels.values()], "words": sung.words.lines[0].text,
        "note": sung.words.lines[0].syllables[0].pitch_midi, "misses": status.misses, "device": status.device,
    }))
"""
WORDS = "#TITLE:Claps\n#ARTIST:Nobody\n#BPM:300\n#GAP:1000\n: 0 10 9 Clap\nE\n"


def test_a_known_song_on_jack(jack: Any, tmp_path: Path) -> None:
    song = tmp_path / "claps.wav"
    t = np.arange(6 * RATE_HZ) / RATE_HZ
    sound = np.repeat((0.2 * np.sin(2 * np.pi * 440 * t))[:, None], 2, 1)
    sound[[round(clap * RATE_HZ) for clap in CLAPS_S]] += 0.5
    soundfile.write(song, sound, RATE_HZ, subtype="FLOAT")
    song.with_suffix(".txt").write_text(WORDS)
    done = subprocess.run(
        [sys.executable, "-c", SING, song, tmp_path, json.dumps(CLAPS_S)],
        env=jack.environment, capture_output=True, text=True, timeout=180, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert (found["words"], found["note"]) == ("Clap", 69.0)
    assert found["delay_samples"] == pytest.approx(256)
    assert found["parts"]["hop and block"] == 256
    assert found["latency"] == sum(found["parts"].values())
    silent, half, whole = found["levels"]
    assert silent == -200.0
    assert whole == pytest.approx(20 * np.log10(0.2 / 2**0.5), abs=0.1)
    assert half == pytest.approx(whole - 6.02, abs=0.1)

    tracks = {path.stem: soundfile.read(path)[0][:, 0] for path in (tmp_path / "take").glob("*.wav")}
    band, raw, microphone = (tracks[name] for name in ("accompaniment", "microphone raw", "microphone"))
    claps = np.flatnonzero(np.abs(band) > 0.4)
    assert np.diff(claps).tolist() == [round(gap_s * RATE_HZ) for gap_s in np.diff(CLAPS_S)]
    for track, gain in ((raw, 1.0), (microphone, 0.1)):
        found_at = [int(np.argmax(np.abs(track[clap - 2000 : clap + 2000]))) + clap - 2000 for clap in claps]
        assert found_at == claps.tolist()  # to the sample
        assert np.abs(track[claps]) == pytest.approx(0.5 * gain, rel=0.15)
