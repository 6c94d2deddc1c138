"""What the notebooks of the course share, in layers.

- ``corpus`` (the shipped recordings), ``signals`` (what counts as a signal), ``environment``
- ``plots`` (figures), ``listen`` (players), ``exercises``
"""
