"""Karaoke: a song's band and guide voice beside one's own voice, words, notes, takes and a queue of songs."""
