"""Figures, players, diagrams, and what answers to controls."""
