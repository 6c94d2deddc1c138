"""Players for every sound of the course.

They are not `IPython.display.Audio`, which has no name to show or to be read out, makes every sound
equally loud unless told otherwise, and stores WAV, 1.6 times the size of FLAC for our clips.
"""

import html
import io
from base64 import b64encode

import numpy as np
import soundfile

from helpers.audio import signals

__all__ = ["Player", "player", "players"]


class Player:
    """Sounds with their names, which a notebook shows as a row of players.

    `player` and `players` make one.

    Parameters
    ----------
    sounds : dict of str to numpy.ndarray, shape (samples,)
        The signals within -1 and 1, under the names to be shown.
    sr : int
        Sampling rate in hertz.
    """

    def __init__(self, sounds: dict[str, np.ndarray], sr: int):
        self.sounds, self.sr = sounds, sr

    def __repr__(self) -> str:
        """Name the sounds: what is left where no sound can be played."""
        lengths = (f"{name} ({len(y) / self.sr:.2f} s)" for name, y in self.sounds.items())
        return "sound: " + ", ".join(lengths)

    def _repr_html_(self) -> str:
        row = "".join(self._figure(name, y) for name, y in self.sounds.items())
        return f'<div style="display:flex;flex-wrap:wrap;gap:0.5em 1.5em">{row}</div>'

    def _figure(self, name: str, y: np.ndarray) -> str:
        """Return the HTML of one player: FLAC is exact, small, and played by every browser."""
        flac = io.BytesIO()
        soundfile.write(flac, y, self.sr, format="FLAC", subtype="PCM_16")
        data, name = b64encode(flac.getvalue()).decode(), html.escape(name)
        return (
            f'<figure style="margin:0"><figcaption>{name}</figcaption>'
            f'<audio controls aria-label="{name}" style="width:16em" '
            f'src="data:audio/flac;base64,{data}"></audio></figure>'
        )


def players(sounds: dict[str, np.ndarray], sr: int, *, normalize: bool = False) -> Player:
    """Show sounds side by side, to be compared.

    Parameters
    ----------
    sounds : dict of str to numpy.ndarray, shape (samples,)
        The signals under their names. Two channels are averaged, integers scaled to full scale.
    sr : int
        Sampling rate in hertz.
    normalize : bool, optional
        Whether to scale each sound to full scale. Without, they keep their loudness; if one
        exceeds full scale, all are turned down by the same factor, and their captions say so.

    Returns
    -------
    Player
        What a notebook shows as a row of players.

    Raises
    ------
    ValueError
        If a sound cannot be used (see `helpers.audio.signals.as_mono`), which includes one that
        reaches twice full scale, or the sampling rate is not a positive whole number.

    Examples
    --------
    >>> t = np.arange(8_000) / 16_000
    >>> players({"low": np.sin(500 * t), "high": np.sin(5_000 * t)}, 16_000)
    sound: low (0.50 s), high (0.50 s)
    """
    signals.check_sr(sr)
    if sr != int(sr):
        raise ValueError(f"sr is {sr!r}; players take a whole number of hertz")
    ready = {n: signals.as_mono(y, n, any_scale=normalize) for n, y in sounds.items()}
    peaks = {name: float(np.max(np.abs(y))) for name, y in ready.items()}
    if normalize:
        ready = {n: y * (0.95 / peaks[n]) if peaks[n] else y for n, y in ready.items()}
    elif (highest := max(peaks.values(), default=0.0)) > 1:
        down = f" (turned down by {20 * np.log10(highest):.1f} dB)"
        ready = {name + down: y / highest for name, y in ready.items()}
    return Player(ready, int(sr))


def player(y: np.ndarray, sr: int, name: str, *, normalize: bool = False) -> Player:
    """Show one sound.

    Parameters
    ----------
    y : numpy.ndarray, shape (samples,)
        The signal. Two channels are averaged, integers scaled to full scale.
    sr : int
        Sampling rate in hertz.
    name : str
        What is heard, for the caption.
    normalize : bool, optional
        Whether to scale the sound to full scale. Without, only one that exceeds it is scaled, and
        its caption says so.

    Returns
    -------
    Player
        What a notebook shows as a player.

    Raises
    ------
    ValueError
        For the same reasons as `players`.

    Examples
    --------
    >>> player(np.zeros(16_000), 16_000, "silence")
    sound: silence (1.00 s)
    """
    return players({name: y}, sr, normalize=normalize)
