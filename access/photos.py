"""Who may look at a photo: whoever may see the thing it hangs on, and whoever has sent it.

A photo that somebody names without having sent it shows nobody anything: else a name learnt elsewhere would
open the photo of another street.
"""

from collections.abc import Mapping

from sqlalchemy import and_, exists, false, or_, select
from sqlalchemy.orm import Session

from access.roles import Action
from access.scope import Actor, scope_of
from core.errors import NotFound
from core.models import Photo, PhotoSender, PhotoUse

# Kind of thing -> what one must be allowed where the thing is. A kind that is missing shows its photos to
# nobody but whoever sent them.
SEEN_BY: Mapping[str, Action] = {
    "finding": Action.READ_PATROLS,
    "visit": Action.READ_VISITS,
    "appeal": Action.DECIDE_PATROLS,
}


def photo_for(session: Session, actor: Actor, photo_hash: bytes) -> Photo:
    """The photo, if the actor may look at it. Raises: NotFound."""
    sent_by_actor = exists().where(
        PhotoSender.photo_hash == Photo.photo_hash, PhotoSender.person_id == actor.person_id
    )
    sent_by_namer = and_(
        PhotoSender.photo_hash == PhotoUse.photo_hash, PhotoSender.person_id == PhotoUse.person_id
    )
    may_see = or_(
        false(),
        *(
            and_(PhotoUse.kind == kind, scope_of(actor, action).clause(PhotoUse.path))
            for kind, action in SEEN_BY.items()
        ),
    )
    hangs_in_sight = exists().where(PhotoUse.photo_hash == Photo.photo_hash, sent_by_namer, may_see)
    statement = select(Photo).where(Photo.photo_hash == photo_hash, or_(sent_by_actor, hangs_in_sight))
    photo = session.scalars(statement).one_or_none()
    if photo is None:
        raise NotFound
    return photo
