"""Signals and recordings: how files become sounds, and sounds become features.

`signals` says what a signal is, `windows` measures windows, `features` computes MFCCs. `decoding`
reads files, `loading` the rows of tables of clips; `corpus` is the table of the shipped recordings,
`recordings` makes one of your own, or of one of the `corpora` that people have. `selection` chooses
from them, `languages` gives each language one name.
"""
