"""The paper's experiment at a scale that a laptop affords: does unpaired sound help a separator that few songs taught?

Paired are the training tracks of one corpus. Of some tracks of two other corpora the first halves are only heard as
mixtures, the second halves only as solo stems: no two that belong together. Each network is the same, and takes the
same number of steps; the weights of the last step are measured on whole tracks: those of the other two corpora that
nothing was learnt from, and the test tracks of the first.

    python benchmarks/semi_supervised.py DATA --seeds 3 --steps 600 --out runs/semi

With `--few` all is of one corpus: paired are the tracks of two of its singers, and of those of the others every second
one is only heard as a mixture, the rest only as solo stems. Whether little unpaired sound was the reason shows so.

    python benchmarks/semi_supervised.py DATA --few --modes supervised semi --seeds 3 --steps 600 --out runs/few

`self` begins with, and learns from, the supervised network of its seed; `longer` is that network trained on as long
without any unpaired sound, which is what `self` has to beat. Runs that are done are not run again.
"""

from __future__ import annotations

import argparse
import csv
import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import soundfile

PRESET = """
name = "small"
lanes = 8
segment_frames = 96
excerpt_segments = 2
validate_every = 100000
precision = "32-true"
[signal]
sample_rate_hz = 16000
native_rates_hz = [16000]
window_samples = 1024
hop_samples = 256
synthesis_samples = 512
channels = 1
bands = 128
single_bins = 96
[network]
channels = [16, 24, 32, 48]
kernel_frames = 2
kernel_bands = 5
recurrent_size = 96
[optimiser]
learning_rate = 1e-3
warmup_steps = 50
ema_decay = 0.99
[adversarial]
critic_width = 12
critic_steps = 1
patch_frames = 64
warm_frames = 32
lanes = 8
"""
UNPAIRED = {
    "cc0-electronic": ("hydrogen", "lithium"),
    "mixing-secrets": ("admiralcrumple-keepsflowing", "big-stone-culture-fragile-thoughts"),
}
PAIRED = "mir1k"
FEW_SINGERS = 2
MODES = ("supervised", "semi", "joint", "self", "longer")


def make_halves(data: Path, out: Path) -> None:
    """Mixtures of first halves, solo stems of second halves."""
    for corpus, names in UNPAIRED.items():
        for name in names:
            stems = {}
            for stem in ("vocals", "accompaniment"):
                (path,) = (data / "paired" / corpus / name).glob(f"{stem}.*")
                stems[stem], rate_hz = soundfile.read(path, dtype="float32", always_2d=True)
            half = len(stems["vocals"]) // 2
            parts = {
                "mixtures": (stems["vocals"] + stems["accompaniment"])[:half],
                "voices": stems["vocals"][half:],
                "accompaniments": stems["accompaniment"][half:],
            }
            for kind, samples in parts.items():
                write_sound(out / kind / f"{corpus}-{name}.wav", samples, rate_hz)


def make_few(data: Path, out: Path) -> None:
    """Few paired tracks; of the others mixtures of every second one, solo stems of the rest."""
    names = sorted(json.loads((data / "splits.json").read_text())[f"paired/{PAIRED}"]["train"])
    singers = sorted({name.rsplit("-", 1)[0] for name in names})[:FEW_SINGERS]
    others = [name for name in names if name.rsplit("-", 1)[0] not in singers]
    for name in names:
        folder = data / "paired" / PAIRED / name
        if name not in others:
            place = out / "few" / PAIRED / name
            place.mkdir(parents=True, exist_ok=True)
            for stem in folder.iterdir():
                if not (place / stem.name).exists():
                    (place / stem.name).symlink_to(stem.resolve())
            continue
        vocals, accompaniment = next(folder.glob("vocals.*")), next(folder.glob("accompaniment.*"))
        parts = {"mixtures": (vocals, accompaniment)}
        if others.index(name) % 2:
            parts = {"voices": (vocals,), "accompaniments": (accompaniment,)}
        for kind, stems in parts.items():
            samples = sum(soundfile.read(stem, dtype="float32")[0] for stem in stems)
            write_sound(out / "unpaired" / kind / f"{name}.wav", samples, soundfile.info(stems[0]).samplerate)


def write_sound(path: Path, samples: np.ndarray, rate_hz: int) -> None:
    """Unless it is there; turned down where it would clip."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        soundfile.write(path, samples / max(1.0, float(np.abs(samples).max())), rate_hz, subtype="PCM_16")


def train(arguments: argparse.Namespace, mode: str, seed: int, alpha: float) -> Path:
    """One run; returns its folder."""
    data, out = arguments.data, arguments.out
    run = out / f"{mode}-{seed}"
    if (run / "done").exists():
        return run
    command = [str(Path(sys.executable).with_name("advsep-train"))]
    if arguments.few:
        command += [str(out / "few")]
    else:
        command += [str(data / "paired" / PAIRED), "--splits", str(data / "splits.json")]
    command += ["--out", str(run), "--cache", str(out / "cache")]
    command += ["--steps", str(arguments.steps), "--seed", str(seed), "--threads", "1", "--workers", "1"]
    if mode in ("self", "longer"):
        command += ["--from", str(out / f"supervised-{seed}" / "last.ckpt")]
    else:
        command += ["--preset", str(out / "small.toml")]
    if mode in ("semi", "joint", "self"):
        command += ["--mode", mode, "--mixtures", str(out / "unpaired" / "mixtures")]
    if mode in ("semi", "joint"):
        command += ["--voices", str(out / "unpaired" / "voices")]
        command += ["--accompaniments", str(out / "unpaired" / "accompaniments")]
        for setting in (f"adversarial.balance={alpha}", *arguments.set):
            command += ["--set", setting]
    if mode == "self":
        for setting in ("remix.pseudo_probability=0.5", "remix.tilt_db=3", "truncated_fraction=0.25"):
            command += ["--set", setting]
    if (run / "last.ckpt").exists():
        if "--from" in command:
            place = command.index("--from")
            del command[place : place + 2]
        command += ["--resume"]
    with (out / f"{mode}-{seed}.log").open("w") as log:
        subprocess.run(command, check=True, stdout=log, stderr=log)
    (run / "done").touch()
    return run


def main() -> None:
    """Run what is missing, then say how good each is."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="folder with paired/ and splits.json")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--balance", type=float, default=0.1, help="pull of L_u over that of L_s")
    parser.add_argument("--few", action="store_true", help="one corpus only, see above")
    parser.add_argument("--modes", nargs="+", choices=MODES, default=MODES, help="those to run and to compare")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="of runs with critics")
    parser.add_argument("--jobs", type=int, default=2, help="runs at a time, a core each")
    parser.add_argument("--figure", type=Path, help="draw the gains as .png, too")
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    (arguments.out / "small.toml").write_text(PRESET)
    if arguments.few:
        make_few(arguments.data, arguments.out)
    else:
        make_halves(arguments.data, arguments.out / "unpaired")
    for stage in ([m for m in MODES[:3] if m in arguments.modes], [m for m in MODES[3:] if m in arguments.modes]):
        todo = [(mode, seed) for seed in range(arguments.seeds) for mode in stage]
        with ThreadPoolExecutor(arguments.jobs) as pool:
            list(pool.map(lambda each: train(arguments, *each, arguments.balance), todo))
    report(arguments)


def report(arguments: argparse.Namespace) -> None:
    """scores.csv, and a table of means and intervals."""
    import torch
    from advsep.trainer.bootstrap import paired_interval
    from advsep.trainer.checkpoint import averaged_network, load_checkpoint
    from advsep.trainer.signal import SignalPath
    from advsep.trainer.tracks import find_tracks, load_tracks, split_tracks
    from advsep.trainer.validation import score_track

    torch.set_num_threads(1)
    found = find_tracks([arguments.data / "paired"])
    files = [f for f in found if not arguments.few and f.corpus in UNPAIRED and f.name not in UNPAIRED[f.corpus]]
    files += [f for f in split_tracks(found, arguments.data / "splits.json")["test"] if f.corpus == PAIRED]
    tracks = load_tracks(files, 16000, arguments.out / "cache")
    gains: dict[tuple[str, int], dict[str, float]] = {}
    with (arguments.out / "scores.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["mode", "seed", "corpus", "track", "vocals_db", "mixture_vocals_db", "accompaniment_db"])
        for mode in arguments.modes:
            for seed in range(arguments.seeds):
                checkpoint = load_checkpoint(arguments.out / f"{mode}-{seed}" / "last.ckpt")
                network, path = averaged_network(checkpoint), SignalPath(checkpoint.config.signal.spec())
                for track in tracks:
                    score = score_track(network, path, track, 1e6)
                    gains.setdefault((mode, seed), {})[f"{score.corpus}/{score.name}"] = score.gain_db
                    row = [mode, seed, score.corpus, score.name, score.vocals_db, score.mixture_vocals_db]
                    writer.writerow([*row, score.accompaniment_db])
    names = list(next(iter(gains.values())))
    corpora = sorted({name.split("/")[0] for name in names})
    if arguments.figure is not None:
        draw(gains, corpora, arguments.figure)
    print(f"vocal SDR gain over the mixture, dB; mean (lowest to highest) of {arguments.seeds} seeds")
    for mode in arguments.modes:
        cells = []
        for corpus in corpora:
            of_seed = [
                np.mean([value for name, value in gains[mode, seed].items() if name.startswith(corpus)])
                for seed in range(arguments.seeds)
            ]
            cells.append(f"{corpus} {np.mean(of_seed):.2f} ({min(of_seed):.2f} to {max(of_seed):.2f})")
        print(f"{mode:10} " + " · ".join(cells))
    for mode, base in (("semi", "supervised"), ("joint", "supervised"), ("self", "longer"), ("self", "supervised")):
        for corpus in corpora if {mode, base} <= set(arguments.modes) else ():
            differences = [
                gains[mode, seed][name] - gains[base, seed][name]
                for name in names
                if name.startswith(corpus)
                for seed in range(arguments.seeds)
            ]
            tracks_of = [name for name in names if name.startswith(corpus) for _ in range(arguments.seeds)]
            interval = paired_interval(differences, tracks_of if len(set(tracks_of)) >= 5 else None)
            print(
                f"{mode} - {base}, {corpus}: {interval.mean_db:+.2f} dB "
                f"(95 %: {interval.low_db:+.2f} to {interval.high_db:+.2f}), {len(differences)} readings"
            )


def draw(gains: dict[tuple[str, int], dict[str, float]], corpora: list[str], path: Path) -> None:
    """A bar a mode and corpus, mean over tracks and seeds; a dot a seed."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(8, 3.6), layout="constrained")
    colours = ("#b8b8b8", "#4477aa", "#cc6677", "#228833", "#ccbb44")  # Paul Tol's bright ones
    seeds = sorted({seed for _, seed in gains})
    for number, mode in enumerate(dict.fromkeys(mode for mode, _ in gains)):
        places = np.arange(len(corpora)) + 0.16 * (number - 2)
        means = np.array(
            [[np.mean([g for n, g in gains[mode, seed].items() if n.startswith(c)]) for c in corpora] for seed in seeds]
        )
        axes.bar(places, means.mean(0), 0.15, color=colours[number], label=mode)
        axes.plot(np.tile(places, (len(seeds), 1)).ravel(), means.ravel(), "k.", markersize=4)
    axes.set_xticks(range(len(corpora)), [f"{c}\n({'paired' if c == PAIRED else 'unpaired only'})" for c in corpora])
    axes.set_ylabel("vocal SDR gain, dB")
    axes.grid(axis="y", alpha=0.3)
    axes.legend(ncols=5, frameon=False, loc="upper center", bbox_to_anchor=(0.5, 1.14))
    figure.savefig(path, dpi=110)


if __name__ == "__main__":
    main()
