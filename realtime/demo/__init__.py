"""A song that the project makes itself, with its true stems: something to show, and the tests' song.

`demo_song()` needs numpy only and no file. The words and the tune are in `score`.
"""

from __future__ import annotations

from .song import DemoSong, demo_song

__all__ = ["DemoSong", "demo_song"]
