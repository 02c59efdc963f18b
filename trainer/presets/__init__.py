"""Training presets, one TOML file each; `advsep.trainer.config` reads them."""
