"""One name for each language, however it is spelled."""

from __future__ import annotations

import unicodedata
from functools import lru_cache

__all__ = ["code"]

ALSO = {
    "nb": "no",
    "nob": "no",
    "mandarin": "zh",
    "mandarin chinese": "zh",
    "sorani kurdish": "ckb",
}
"""What CLDR does not join: FLEURS calls its ``nb`` Norwegian, VoxLingua107 calls it ``no``."""
CANTONESE = ("HK", "MO")
"""Where ``zh`` is Cantonese: whoever uses Common Voice's ``zh-HK`` takes it with its ``yue``
(https://huggingface.co/datasets/hon9kon9ize/commonvoice_16_1_bert_vits2)."""


@lru_cache(maxsize=4096)
def code(name: str) -> str:
    """Return the shortest code of a language in ISO 639, whatever it is called.

    Parameters
    ----------
    name : str
        A BCP 47 tag in any case, with hyphens or underscores (``en-US``, ``cmn_hans_cn``), a code
        of two or three letters, a retired one included (``eng``, ``iw``), or the English name
        (``German``).

    Returns
    -------
    str
        Such as ``en``; script and country are left out. What is none of this is returned as it is:
        it may be a name of your own.

    Notes
    -----
    Names and aliases are those of the Unicode CLDR, as Babel has them. ``zh`` of Hong Kong and
    Macau becomes ``yue``.

    Examples
    --------
    >>> [code(name) for name in ("en", "en-US", "en_us", "eng", "English")]
    ['en', 'en', 'en', 'en', 'en']
    >>> [code(name) for name in ("zh-CN", "cmn_hans_cn", "yue_hant_hk", "zh-HK", "iw", "Belter")]
    ['zh', 'zh', 'yue', 'yue', 'he', 'Belter']
    """
    from babel.core import get_global, parse_locale

    names, scripts, countries = _known()
    spelled = unicodedata.normalize("NFC", name).strip()
    words = " ".join(spelled.casefold().replace("_", " ").replace("-", " ").split())
    if " " not in words and len(words) in (2, 3):
        words = ""  # a code, even where it is somebody's name: fr, lao
    if words in ALSO or words in names:
        return ALSO.get(words) or names[words]
    try:
        first, country, script, *_ = parse_locale(spelled.replace("-", "_"))
    except ValueError:
        return spelled
    if script not in scripts or country not in countries:
        return spelled
    first = get_global("language_aliases").get(first, first).split("_")[0]
    first = ALSO.get(first, first)
    if first not in names.values():
        return spelled
    return "yue" if first == "zh" and country in CANTONESE else first


@lru_cache(maxsize=1)
def _known() -> tuple[dict[str, str], set, set]:
    """Return the codes of languages by their English names, and codes of scripts and countries."""
    from babel import Locale
    from babel.core import get_global

    english = Locale("en")
    names = {name.casefold(): tag for tag, name in english.languages.items() if "_" not in tag}
    names = {name.replace("-", " "): ALSO.get(tag, tag) for name, tag in names.items()}
    countries = {None, *english.territories, *get_global("territory_aliases")}
    return names, {None, *english.scripts}, countries
