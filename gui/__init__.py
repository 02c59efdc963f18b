"""The window: live spectrograms and what the critics think of them. Uses `realtime`; never torch."""
