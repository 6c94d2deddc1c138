"""The course as decks of slides, each one file that needs no server and no network."""
