"""Another package's plugin, for the tests: it cannot be imported."""

raise RuntimeError("only half written")
