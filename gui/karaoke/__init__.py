"""Karaoke in the window: words, pitch, songs, takes."""
