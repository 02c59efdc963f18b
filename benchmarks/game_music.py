"""Gathers seven hours of music without voices from the games in Debian 12, to learn from.

    python benchmarks/game_music.py OUT
    advsep-train … --accompaniments DATA/accompaniment --accompaniments OUT

Of every piece of 40 seconds or more one minute, from two fifths of the way in. Left out is what is not music, and what
may hold voices: its name says so, or `studio` put more than an eighth of its power into the voice. Nobody listened to
the rest. Needs Debian's apt-get and dpkg-deb, no rights of an administrator, and 3 GB. Beside the recordings of each
package lies its `copyright` file: CC BY, CC BY-SA, CC0, GPL and others.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import soundfile
from advsep.trainer.recordings import find_recordings
from rich.progress import track

PACKAGES = """
    ardentryst berusky2-data colobot-common-sounds extremetuxracer-data fillets-ng-data flare-game freedink-data
    freedroidrpg-data fretsonfire-songs-sectoid hedgewars-data hyperrogue-music lordsawar-data megaglest-data
    naev-data plee-the-bear-data redeclipse-data singularity-music supertux-data supertuxkart-data warmux-data
    warzone2100-music wesnoth-1.16-music widelands-data xmoto-data
"""
SHORTEST_S, CUT_S = 40, 60
SILENT = 1e-3  # standard deviation of its samples

LEFT_OUT = re.compile(
    r"lavarumble|stormbolts|airport_pa|static-radio|wind_|rain\.|AMB_Intro|/voc-|nunc_dimittis|guitar\.ogg|desertday|"
    r"win_theme|together|megaglest.*/(night|day)\.ogg|_fast|_raw|original\.ogg"
)
"""No music, voices, or another version of a piece."""
VOICE_HEARD = """
    ardentryst-Sempridge colobot-common-sounds-Prototype colobot-common-sounds-music003
    colobot-common-sounds-music005 colobot-common-sounds-music010 colobot-common-sounds-music011
    extremetuxracer-data-spunkyrace_ks freedink-data-denube freedroidrpg-data-GameLost
    freedroidrpg-data-StartOfGame hyperrogue-music-hr_domina_hunting hyperrogue-music-hr_domina_mountain
    naev-data-intro naev-data-motherload naev-data-upbeat redeclipse-data-track_08 redeclipse-data-track_10
    redeclipse-data-track_11 singularity-music-Through_Space supertux-data-fortress_old
    supertuxkart-data-SkyVibe_HighFrequency supertuxkart-data-cocoa_river supertuxkart-data-demonhill
    supertuxkart-data-ravenbridge_mansion warmux-data-Mike_Errecart_Monkey_bubble
    warmux-data-Olivier_Militon_Like_a_rock warmux-data-Olivier_Militon_Vogue_a_lame warmux-data-exoticux
    warmux-data-woodlux wesnoth-1.16-music-return_to_wesnoth widelands-data-ingame_04 widelands-data-ingame_09
"""


def unpacked(package: str, into: Path) -> Path:
    """Download a package as apt trusts it and lay its files out below `into`."""
    subprocess.run(["apt-get", "-qq", "download", package], cwd=into, check=True, stderr=subprocess.DEVNULL)
    (archive,) = into.glob(f"{package}_*.deb")
    files = into / package
    subprocess.run(["dpkg-deb", "-x", archive, files], check=True)
    archive.unlink()
    return files


def name_of(path: Path) -> str:
    """Of a piece: its file's name, or its folder's too where all files are called alike."""
    folder = f"{path.parent.name}_" if path.stem == "song" else ""
    return re.sub(r"[^A-Za-z0-9]+", "_", folder + path.stem)


def cut(path: Path, to: Path) -> None:
    """Write the minute of a piece, unless there is nothing to learn from."""
    with soundfile.SoundFile(path) as file:
        rate_hz, length = file.samplerate, file.frames
        if length < SHORTEST_S * rate_hz:
            return
        file.seek(int(max(0, length - CUT_S * rate_hz) * 0.4))
        samples = file.read(CUT_S * rate_hz, dtype="float32", always_2d=True)
    if samples.std() >= SILENT:
        loudest = float(np.abs(samples).max())  # of a lossy file it may be above full scale
        soundfile.write(to, samples / max(1.0, loudest / 0.99), rate_hz, subtype="PCM_16")


def gather(package: str, out: Path) -> None:
    """Cut a package's pieces; its folder is there when all of them are."""
    voices_heard = VOICE_HEARD.split()
    with tempfile.TemporaryDirectory(prefix=".", dir=out) as folder:
        files, made = unpacked(package, Path(folder)), Path(folder) / "made"
        made.mkdir()
        for path in find_recordings([files]):
            to = made / f"{package}-{name_of(path)}.flac"
            if LEFT_OUT.search(str(path.relative_to(files))) or to.stem in voices_heard or to.exists():
                continue
            try:
                cut(path, to)
            except soundfile.LibsndfileError as error:
                print(f"left out: {path.name}: {error}", file=sys.stderr)
        shutil.copy(files / "usr/share/doc" / package / "copyright", made)
        made.rename(out / package)


def main() -> None:
    """Fill the folder, a package after another; those that are there are kept."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("out", type=Path)
    out: Path = parser.parse_args().out
    missing = [tool for tool in ("apt-get", "dpkg-deb") if shutil.which(tool) is None]
    if missing:
        sys.exit(f"{' and '.join(missing)}: not found; this gathers from Debian's packages and needs Debian or Ubuntu")
    out.mkdir(parents=True, exist_ok=True)
    for package in track([each for each in PACKAGES.split() if not (out / each).exists()], "gathering"):
        try:
            gather(package, out)
        except subprocess.CalledProcessError as error:
            sys.exit(f"{package}: {error}; is the network there, and does `apt-cache policy {package}` know it?")
    pieces = find_recordings([out])
    hours = sum(soundfile.info(path).duration for path in pieces) / 3600
    print(f"{out}: {len(pieces)} pieces, {hours:.1f} hours")


if __name__ == "__main__":
    main()
