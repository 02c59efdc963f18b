"""The pitch network and whence it comes."""
