"""advsep: take the singing voice out of music, live.

The rooms: `realtime` (what runs while sound is playing), `trainer` (what runs over night),
`export` (checkpoint to model file, and the proof that they agree) and `gui` (the window).
"""

__version__ = "0.5.0"
