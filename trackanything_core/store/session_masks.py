"""The masks of one session: what humans gave, and what was computed from it.

Every change is one transaction that also raises the session's `mark` and notes it by frame, so
that anyone can ask what has changed since. What humans do raises the `revision` as well.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Table,
    and_,
    delete,
    func,
    insert,
    literal,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from trackanything_core.errors import StoreError
from trackanything_core.store.database import Database
from trackanything_core.store.schema import (
    anchors,
    frame_marks,
    masks,
    objects,
    prompts,
    sessions,
    spans,
)
from trackanything_core.store.session_rows import AnchorRow, MaskPlace, MaskRow, SessionContents
from trackanything_core.types import FrameIndex, ObjectId


class SessionMasks:
    """Reads and writes the masks of one session. For one thread at a time.

    Any number of these, in any number of programs, may stand for the same session.

    Attributes:
        session_id: of a session that exists.
        mark: of the session when this one last read or changed it.
        is_behind: whether others have changed the session in between.
    """

    def __init__(self, database: Database, session_id: str) -> None:
        self._database = database
        self.session_id = session_id
        self.mark = 0
        self.is_behind = False

    @contextmanager
    def together(self) -> Iterator[None]:
        """What this thread changes within the block is kept whole, or not at all.

        Raises:
            StoreError: the database cannot be written.
        """
        try:
            with self._database.write():
                yield
        except BaseException:
            self.is_behind = True  # what is in memory may say that it was written
            raise

    # What humans do.

    def add_object(self, object_id: ObjectId) -> None:
        """Add an object, younger than all others; nothing happens where there is one."""
        with self._changing(edit=True) as (connection, _, _):
            age = select(func.count()).where(objects.c.session_id == self.session_id)
            self._upsert(
                connection,
                objects,
                {"id": object_id},
                {"ordinal": connection.execute(age).scalar_one(), "label": object_id},
                keep=True,
            )

    def put_anchor(
        self,
        object_id: ObjectId,
        frame: FrameIndex,
        counts: str,
        score: float,
        said: Mapping[str, Any] | None = None,
    ) -> None:
        """Write what a human gave or confirmed; replaces an older one of that frame.

        Args:
            object_id: of an object that was added.
            frame: which.
            counts: COCO's run lengths.
            score: 0..1.
            said: JSON; the prompt that the mask answers.
        """
        with self._changing(edit=True, frames=(frame,)) as (connection, _, _):
            key = {"object_id": object_id, "frame": frame}
            self._upsert(connection, anchors, key, {"counts": counts, "score": score})
            if said is not None:
                self._upsert(connection, prompts, key, {"said": dict(said)})

    def drop_anchors(self, object_id: ObjectId, frames: Collection[FrameIndex]) -> None:
        """Take anchors back, with the prompts that they answered."""
        with self._changing(edit=True, frames=frames) as (connection, _, _):
            for table in (anchors, prompts):
                connection.execute(
                    delete(table).where(
                        table.c.session_id == self.session_id,
                        table.c.object_id == object_id,
                        table.c.frame.in_(sorted(frames)),
                    )
                )

    # What is computed.

    def put(
        self, object_id: ObjectId, frame: FrameIndex, mask: MaskRow, span_id: int | None
    ) -> None:
        """Write a computed mask; replaces an older one of that frame.

        Args:
            object_id: of an object that was added.
            frame: which.
            mask: the mask.
            span_id: what it was made for; None while a second pass is to improve it.
        """
        with self._changing(frames=(frame,)) as (connection, _, revision):
            self._upsert(
                connection,
                masks,
                {"object_id": object_id, "frame": frame, "away": False},
                {
                    "counts": mask.counts,
                    "score": mask.score,
                    "record": dict(mask.record) if mask.record else None,
                    "span_id": span_id,
                    "revision": revision,
                },
            )

    def put_away(self, object_id: ObjectId) -> None:
        """Put all computed masks of an object aside, in case it comes back."""
        mine = and_(masks.c.session_id == self.session_id, masks.c.object_id == object_id)
        with self._changing() as (connection, mark, _):
            newer = select(masks.c.frame).where(mine, masks.c.away.is_(False)).scalar_subquery()
            connection.execute(
                delete(masks).where(mine, masks.c.away.is_(True), masks.c.frame.in_(newer))
            )
            self._note_masks(connection, mark, and_(mine, masks.c.away.is_(False)))
            connection.execute(update(masks).where(mine).values(away=True))

    def bring_back(self, object_id: ObjectId, span_ids: Collection[int]) -> None:
        """Bring back what was put aside and was made for these spans; it replaces what is there."""
        mine = and_(masks.c.session_id == self.session_id, masks.c.object_id == object_id)
        back = and_(mine, masks.c.away.is_(True), masks.c.span_id.in_(sorted(span_ids)))
        with self._changing() as (connection, mark, _):
            frames = select(masks.c.frame).where(back).scalar_subquery()
            connection.execute(
                delete(masks).where(mine, masks.c.away.is_(False), masks.c.frame.in_(frames))
            )
            self._note_masks(connection, mark, back)
            connection.execute(update(masks).where(back).values(away=False))

    def span_id(self, digest: str, span: Mapping[str, Any]) -> int:
        """The number of a span, which is written down if it is new.

        Args:
            digest: tells it from all others, at most 64 characters.
            span: JSON.
        """
        where = and_(spans.c.session_id == self.session_id, spans.c.digest == digest)
        with self._database.write() as connection:
            found = connection.execute(select(spans.c.id).where(where)).scalar_one_or_none()
            if found is None:
                made = insert(spans).values(
                    session_id=self.session_id, digest=digest, span=dict(span)
                )
                found = connection.execute(made.returning(spans.c.id)).scalar_one()
            return int(found)

    # Reading.

    def get(self, object_id: ObjectId, frame: FrameIndex) -> MaskRow | None:
        """A computed mask that is not put aside."""
        return self._one(object_id, frame, away=False)

    def get_away(self, object_id: ObjectId, frame: FrameIndex) -> MaskRow | None:
        """A computed mask that was put aside."""
        return self._one(object_id, frame, away=True)

    def scores(self, object_id: ObjectId) -> dict[FrameIndex, float]:
        """The score of each computed mask of an object that is not put aside."""
        query = select(masks.c.frame, masks.c.score).where(
            masks.c.session_id == self.session_id,
            masks.c.object_id == object_id,
            masks.c.away.is_(False),
        )
        with self._database.read() as connection:
            return dict(connection.execute(query).tuples().all())

    def load(self) -> SessionContents:
        """All but the computed masks themselves, as they are at one moment.

        Raises:
            StoreError: the session is gone.
        """
        here = self.session_id
        names = select(objects.c.id).where(objects.c.session_id == here).order_by(objects.c.ordinal)
        given = (
            select(anchors.c.object_id, anchors.c.frame, anchors.c.counts, anchors.c.score)
            .where(anchors.c.session_id == here)
            .order_by(anchors.c.object_id, anchors.c.frame)
        )
        computed = (
            select(masks.c.object_id, masks.c.frame, masks.c.away, masks.c.span_id)
            .where(masks.c.session_id == here)
            .order_by(masks.c.object_id, masks.c.frame)
        )
        made_for = select(spans.c.id, spans.c.span).where(spans.c.session_id == here)
        with self._database.read() as connection:
            revision, mark = self._state(connection)
            contents = SessionContents(
                revision=revision,
                mark=mark,
                objects=tuple(connection.execute(names).scalars()),
                anchors=tuple(AnchorRow(*row) for row in connection.execute(given)),
                spans=dict(connection.execute(made_for).tuples().all()),
                places=tuple(MaskPlace(*row) for row in connection.execute(computed)),
            )
        self.mark, self.is_behind = mark, False
        return contents

    def said(self) -> dict[tuple[ObjectId, FrameIndex], Mapping[str, Any]]:
        """All prompts, JSON, by object and frame."""
        query = select(prompts.c.object_id, prompts.c.frame, prompts.c.said).where(
            prompts.c.session_id == self.session_id
        )
        with self._database.read() as connection:
            rows: Sequence[Row[Any]] = connection.execute(query).all()
            return {(name, frame): said for name, frame, said in rows}

    def changed_since(self, mark: int) -> list[FrameIndex]:
        """The frames on which any mask changed after the session had that mark, ascending."""
        query = (
            select(frame_marks.c.frame)
            .where(frame_marks.c.session_id == self.session_id, frame_marks.c.mark > mark)
            .order_by(frame_marks.c.frame)
        )
        with self._database.read() as connection:
            return list(connection.execute(query).scalars())

    def state(self) -> tuple[int, int]:
        """(revision, mark) of the session as they are now.

        Raises:
            StoreError: the session is gone.
        """
        with self._database.read() as connection:
            return self._state(connection)

    def look_out(self) -> bool:
        """Whether others have changed something since `load`, or since a change from here."""
        self.is_behind |= self.state()[1] != self.mark
        return self.is_behind

    def _state(self, connection: Connection) -> tuple[int, int]:
        query = select(sessions.c.revision, sessions.c.mark).where(sessions.c.id == self.session_id)
        row = connection.execute(query).one_or_none()
        if row is None:
            raise self._gone()
        return row[0], row[1]

    @contextmanager
    def _changing(
        self, *, edit: bool = False, frames: Collection[FrameIndex] = ()
    ) -> Iterator[tuple[Connection, int, int]]:
        """A transaction, with the new mark and the revision; `frames` are noted as changed."""
        with self._database.write() as connection:
            values: dict[str, Any] = {"mark": sessions.c.mark + 1}
            if edit:
                values |= {
                    "revision": sessions.c.revision + 1,
                    "changed": self._database.now(connection),
                }
            raised = (
                update(sessions)
                .where(sessions.c.id == self.session_id)
                .values(values)
                .returning(sessions.c.mark, sessions.c.revision)
            )
            row = connection.execute(raised).one_or_none()
            if row is None:
                raise self._gone()
            mark, revision = row
            for frame in frames:
                self._upsert(connection, frame_marks, {"frame": frame}, {"mark": mark})
            yield connection, mark, revision
        self.is_behind |= mark != self.mark + 1
        self.mark = mark

    def _note_masks(self, connection: Connection, mark: int, which: ColumnElement[bool]) -> None:
        """Note the frames of these masks as changed."""
        frames = select(masks.c.session_id, masks.c.frame, literal(mark)).where(which)
        statement = self._insert(frame_marks).from_select(["session_id", "frame", "mark"], frames)
        connection.execute(
            statement.on_conflict_do_update(
                index_elements=["session_id", "frame"], set_={"mark": mark}
            )
        )

    def _upsert(
        self,
        connection: Connection,
        table: Table,
        key: Mapping[str, Any],
        values: Mapping[str, Any],
        *,
        keep: bool = False,
    ) -> None:
        """Insert a row of this session, or replace its values; `keep` leaves an older row."""
        statement = self._insert(table).values(session_id=self.session_id, **key, **values)
        index = ["session_id", *key]
        connection.execute(
            statement.on_conflict_do_nothing(index_elements=index)
            if keep
            else statement.on_conflict_do_update(index_elements=index, set_=dict(values))
        )

    def _insert(self, table: Table) -> sqlite.Insert | postgresql.Insert:
        return sqlite.insert(table) if self._database.is_sqlite else postgresql.insert(table)

    def _one(self, object_id: ObjectId, frame: FrameIndex, *, away: bool) -> MaskRow | None:
        query = select(masks.c.counts, masks.c.score, masks.c.record).where(
            masks.c.session_id == self.session_id,
            masks.c.object_id == object_id,
            masks.c.frame == frame,
            masks.c.away.is_(away),
        )
        with self._database.read() as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else MaskRow(*row)

    def _gone(self) -> StoreError:
        return StoreError(f"session {self.session_id!r} is no longer in the database")
