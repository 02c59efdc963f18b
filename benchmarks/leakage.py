"""What is heard in a stem whose source is silent: voices in instrumental music, a band behind a solo voice.

    python benchmarks/leakage.py DATA [--model live-12] [--split test]

For each recording of DATA/accompaniment and DATA/vocals that DATA/splits.json puts into the split, its first minute
through the live path: the level of the stem that should be silent below that of the recording, in dB. A recording is
one number; means are of these numbers. Recordings that are silent throughout are left out.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import soundfile
from advsep.realtime.model import ModelSession
from advsep.realtime.registry import find_model
from advsep.realtime.source import ArraySource
from advsep.realtime.stems import HOPS_AT_ONCE, StemStream

LONGEST_S = 60


def leaked_db(model: ModelSession, path: Path, *, is_voice: bool) -> float | None:
    """Of one recording; None where it is silent."""
    rate_hz = soundfile.info(path).samplerate
    samples, _ = soundfile.read(path, LONGEST_S * rate_hz, dtype="float32", always_2d=True)
    power = float(np.mean(np.square(samples, dtype=np.float64)))
    if power == 0:
        return None
    model.reset()
    voice = StemStream(ArraySource(samples, rate_hz, path.name), model, HOPS_AT_ONCE).read_all().stems["vocals"]
    wrong = samples - voice if is_voice else voice
    leaked = float(np.mean(np.square(wrong, dtype=np.float64)))
    return 10 * float(np.log10(max(leaked, 1e-20) / power))


def main() -> None:
    """A line a recording, then the means."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--model", default="live-12", help="a bundled model's name or an .onnx file")
    parser.add_argument("--split", default="test", choices=("train", "valid", "test"))
    asked = parser.parse_args()
    splits = json.loads((asked.data / "splits.json").read_text())
    model = ModelSession(find_model(asked.model), HOPS_AT_ONCE)
    for kind, stem in (("accompaniment", "voice"), ("vocals", "accompaniment")):
        levels: list[float] = []
        for corpus in sorted(name for name in splits if str(name).startswith(f"{kind}/")):
            for name in splits[corpus][asked.split]:
                (path,) = (asked.data / corpus).rglob(f"{name}.*")
                level_db = leaked_db(model, path, is_voice=kind == "vocals")
                if level_db is None:
                    continue
                levels.append(level_db)
                print(f"{corpus}/{name}: {stem} {levels[-1]:.1f} dB", flush=True)
        told = f"mean {np.mean(levels):.1f} dB, {min(levels):.1f} to {max(levels):.1f}" if levels else "none"
        print(f"{asked.model}, {stem} where there is none, {len(levels)} recordings: {told}")


if __name__ == "__main__":
    main()
