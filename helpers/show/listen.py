"""Players for every sound of the course."""

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
        The signals under their names; stereo is averaged, integers are scaled to full scale.
    sr : int
        Sampling rate in hertz.
    normalize : bool, optional
        Whether to scale each sound to full scale. Without, they keep their loudness.

    Returns
    -------
    Player
        What a notebook shows as a row of players.

    Raises
    ------
    ValueError
        If a sound is none (see `helpers.audio.signals.as_mono`) or exceeds full scale, or the
        sampling rate is no positive whole number.

    Examples
    --------
    >>> t = np.arange(8_000) / 16_000
    >>> players({"low": np.sin(500 * t), "high": np.sin(5_000 * t)}, 16_000)
    sound: low (0.50 s), high (0.50 s)
    """
    signals.check_sr(sr)
    if sr != int(sr):
        raise ValueError(f"sr is {sr!r}; players take a whole number of hertz")
    ready = {}
    for name, y in sounds.items():
        y = signals.as_mono(y, name, any_scale=normalize)
        peak = np.max(np.abs(y))
        if normalize:
            y = y * (0.95 / peak) if peak else y
        elif peak > 1.0:
            raise ValueError(
                f"{name}: reaches {peak:.3g}, and 1 is full scale; scale it or pass normalize=True"
            )
        ready[name] = y
    return Player(ready, int(sr))


def player(y: np.ndarray, sr: int, name: str, *, normalize: bool = False) -> Player:
    """Show one sound.

    Parameters
    ----------
    y : numpy.ndarray, shape (samples,)
        The signal; stereo is averaged, integers are scaled to full scale.
    sr : int
        Sampling rate in hertz.
    name : str
        What is heard.
    normalize : bool, optional
        Whether to scale the sound to full scale.

    Returns
    -------
    Player
        What a notebook shows as a player.

    Raises
    ------
    ValueError
        As `players`.

    Examples
    --------
    >>> player(np.zeros(16_000), 16_000, "silence")
    sound: silence (1.00 s)
    """
    return players({name: y}, sr, normalize=normalize)
