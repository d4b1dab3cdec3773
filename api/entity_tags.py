"""Entity tags (RFC 9110, section 13): what a client has, compared with what is stored."""


def tag_of(version: int) -> str:
    """The tag of something that is numbered anew at every change."""
    return f'"{version}"'


def is_known(etag: str, if_none_match: str | None) -> bool:
    """Whether the client says that it has this already."""
    if not if_none_match:
        return False
    known = [tag.strip().removeprefix("W/") for tag in if_none_match.split(",")]
    return etag in known or known == ["*"]
