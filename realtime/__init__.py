"""What runs while sound is playing. Knows no other room: neither torch nor Qt is imported here."""
