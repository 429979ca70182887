"""The nouns: what crosses a door. This floor knows no other."""
