"""The plugins that advsep brings, one file each."""
