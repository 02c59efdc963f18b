"""Racks that advsep brings, a TOML file each."""
