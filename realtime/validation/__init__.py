"""Checks that a plugin keeps the rules: ten levels, in a process of its own."""
