"""What the notebooks of the course share.

``helpers.corpus`` reads the recordings that are shipped in ``assets/speech``;
``helpers.environment`` says which packages a machine lacks.
"""
