"""What the critics of a semi-supervised run know: the voice, or the corpus? And would obeying them separate better?

For each patch of tracks whose stems are known (to this program: the run never saw them together) the voice's critic
judges the true voice and the separated one, the accompaniment's likewise. If recordings of one corpus score higher than
those of another by more than true stems score above estimates, a critic knows the corpus rather than the source. The
cosine between its gradient and the way from the estimate to the truth says whether what it asks for is right: 1 is
straight to the truth, 0 is of no use, below 0 is away from it.

With `--same-level` all this is of the shape alone, as critics are taught and asked now: the truth is as loud as the
estimate, and the gradient changes no level.

    python benchmarks/critic_check.py DATA runs/semi/semi-0 runs/semi/semi-1 …
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from advsep.trainer.adversary import ACCOMPANIMENT, VOICE, Adversary, as_loud_as, level_held
from advsep.trainer.checkpoint import averaged_network, load_checkpoint
from advsep.trainer.critic import Critic
from advsep.trainer.excerpts import at_level
from advsep.trainer.signal import SignalPath
from advsep.trainer.team import Team, make_fabric
from advsep.trainer.tracks import Track, find_tracks, load_tracks, split_tracks
from numpy.typing import NDArray
from semi_supervised import PAIRED, UNPAIRED

LEVEL_DBFS = -20.0
PATCHES = 24  # of each group and track
VOICED_DB = -25.0  # a patch whose voice is this far below the mixture, or farther, counts as one without


@dataclass(frozen=True, slots=True)
class Judged:
    """Of one patch and source: the critic's score of the truth and of the estimate, and where its gradient points."""

    truth: float
    estimate: float
    cosine: float
    voiced: bool


class Judge:
    """A run's network and critics."""

    def __init__(self, run: Path, *, same_level: bool) -> None:
        self._same_level = same_level
        checkpoint = load_checkpoint(run / "last.ckpt")
        self.config = checkpoint.config
        self.network, self.path = averaged_network(checkpoint), SignalPath(checkpoint.config.signal.spec())
        team = Team(make_fabric("32-true", accelerator="cpu"))
        self._adversary = Adversary(self.path.spec, self.config, self.path, team)
        settings = self.config.adversarial
        self.critics: dict[str, Critic] = {}
        for name in (VOICE, ACCOMPANIMENT):
            critic = Critic(self.path.spec.bands, settings.patch_frames, 1, settings.critic_width)
            critic.load_state_dict(checkpoint.critics[name]["critic"])
            self.critics[name] = critic.requires_grad_(False)

    @property
    def samples(self) -> int:
        """Of an excerpt."""
        settings, spec = self.config.adversarial, self.path.spec
        return self.path.history_samples + (settings.warm_frames + settings.patch_frames) * spec.hop_samples

    def __call__(self, vocals: NDArray[np.float32], accompaniment: NDArray[np.float32]) -> dict[str, Judged]:
        """Of an excerpt [channel, sample] of each stem."""
        parts = torch.from_numpy(np.stack([vocals, accompaniment]))
        with torch.no_grad():
            truth = self.path.analyse(parts)
            mixture = truth.sum(0, keepdim=True)
            masks, *_ = self.network(self.path.features(mixture), *self.network.initial_states(1))
            last, hz = slice(-self.config.adversarial.patch_frames, None), torch.tensor([np.inf])
            estimates, _ = self._adversary.masked(masks[:, :, last], mixture[:, :, last], hz)
            true = self._adversary.pairs(truth[:1], truth[1:], hz)
            patches = {VOICE: (true[:, :1], estimates[:, :1]), ACCOMPANIMENT: (true[:, 1:], estimates[:, 1:])}
        voiced = np.sum(vocals**2) > 10 ** (VOICED_DB / 10) * np.sum((vocals + accompaniment) ** 2)
        return {name: self._judged(name, *pair, voiced=bool(voiced)) for name, pair in patches.items()}

    def _judged(self, name: str, truth: torch.Tensor, estimate: torch.Tensor, *, voiced: bool) -> Judged:
        critic, seen = self.critics[name], estimate.clone().requires_grad_()
        if self._same_level:
            truth = as_loud_as(truth, estimate)
        score = critic(level_held(seen) if self._same_level else seen).sum()
        (gradient,) = torch.autograd.grad(score, seen)
        way = truth - estimate
        cosine = (gradient * way).sum() / (gradient.norm() * way.norm() + 1e-9)
        return Judged(float(critic(truth).sum()), float(score.detach()), float(cosine), voiced)


def judge_track(judge: Judge, track: Track, start: float, end: float) -> dict[str, list[Judged]]:
    """Patches evenly over a part of a track, between two shares of it."""
    count = len(track.vocals)
    judged: dict[str, list[Judged]] = {VOICE: [], ACCOMPANIMENT: []}
    for place in np.linspace(start * count, end * count - judge.samples, PATCHES).astype(int):
        part = slice(max(0, place), max(0, place) + judge.samples)
        whole = np.stack([track.vocals[part], track.accompaniment[part]]).astype(np.float32) / 32768
        stems = whole.mean(2)[:, None]  # the experiment's networks have one channel
        if float(np.mean(stems.sum(0) ** 2)) < 1e-6:
            continue
        levelled = at_level(stems.sum(0), LEVEL_DBFS)
        gain = np.float32(np.abs(levelled).max() / np.abs(stems.sum(0)).max())
        for name, each in judge(gain * stems[0], gain * stems[1]).items():
            judged[name].append(each)
    return judged


def main() -> None:
    """A table a source: rows are groups of tracks."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="folder with paired/ and splits.json")
    parser.add_argument("runs", type=Path, nargs="+", help="folders of runs with critics, of one experiment")
    parser.add_argument("--same-level", action="store_true", help="of shapes alone")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    found = find_tracks([arguments.data / "paired"])
    test = split_tracks(found, arguments.data / "splits.json")["test"]
    groups = {f"{PAIRED}, test": ([f for f in test if f.corpus == PAIRED], 0.0, 1.0)}
    for corpus, names in UNPAIRED.items():
        heard = [f for f in found if f.corpus == corpus and f.name in names]
        unheard = [f for f in found if f.corpus == corpus and f.name not in names]
        groups[f"{corpus}, heard as mixtures"] = (heard, 0.0, 0.5)
        groups[f"{corpus}, heard as solos"] = (heard, 0.5, 1.0)
        groups[f"{corpus}, not heard"] = (unheard, 0.0, 1.0)
    cache = arguments.runs[0].parent / "cache"
    tracks = {name: load_tracks(files, 16000, cache) for name, (files, _, _) in groups.items()}
    table: dict[tuple[str, str], list[Judged]] = {}
    for run in arguments.runs:
        judge = Judge(run, same_level=arguments.same_level)
        for name, (_, start, end) in groups.items():
            for track in tracks[name]:
                for source, judged in judge_track(judge, track, start, end).items():
                    table.setdefault((source, name), []).extend(judged)
    for source in (VOICE, ACCOMPANIMENT):
        print(f"\n{source:36}  truth  estimate  difference  told apart  cosine  cosine without voice")
        for name in groups:
            rows = table[source, name]
            voiced, silent = [r for r in rows if r.voiced], [r for r in rows if not r.voiced]
            truth, estimate = (np.array([getattr(r, key) for r in voiced]) for key in ("truth", "estimate"))
            without = f"{np.mean([r.cosine for r in silent]):+.3f} ({len(silent)})" if silent else "-"
            print(
                f"{name:36} {truth.mean():6.1f} {estimate.mean():9.1f} {(truth - estimate).mean():+11.1f} "
                f"{(truth > estimate).mean():10.0%} {np.mean([r.cosine for r in voiced]):+8.3f}  {without}"
            )


if __name__ == "__main__":
    main()
