"""Recurrent layers opened up, and the networks that name a language."""
