"""The doors: one foreign language each; no door knows another door or the verbs."""
