"""What the notebooks of the course share.

Folders are floors: each uses what lies beneath it, and nothing above.

- ``audio``: signals, windows, features, and the recordings they are computed from
- ``show``: figures, players, diagrams, and what answers to controls
- ``networks``: recurrent layers opened up, and the networks that name a language
- ``study``: data sets, experiments and their results

``exercises``, with ``grading`` upon it, and ``environment`` stand by themselves. Only ``networks``
and ``study`` import TensorFlow.
"""

from pathlib import Path

__all__ = ["ROOT"]

ROOT = Path(__file__).resolve().parent.parent
"""The course's folder, which holds ``notebooks``, ``assets`` and all else."""
