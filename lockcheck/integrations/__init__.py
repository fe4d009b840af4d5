"""Hosts of other makers that show lockcheck's findings: one file each."""
