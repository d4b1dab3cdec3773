"""Files to be saved under a name (RFC 6266)."""

from urllib.parse import quote


def attachment(name: str) -> str:
    """Content-Disposition for a name in any script; old clients get it without what ASCII lacks."""
    plain = "".join(
        letter for letter in name if letter.isascii() and letter.isprintable() and letter not in '"\\'
    )
    fallback = plain.strip("_ ") if plain.strip("_ .") else "download"
    return f"attachment; filename=\"{fallback}\"; filename*=UTF-8''{quote(name, safe='')}"
