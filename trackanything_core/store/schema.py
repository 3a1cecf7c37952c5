"""The tables. Migrations make them; a change here needs a migration beside it.

Frames are 0-based. Masks are COCO run lengths at the size of their session's video. Times are
seconds since the epoch by the clock of the database.
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

_NAME = 255


def _session() -> Column[str]:
    return Column(
        "session_id",
        String(_NAME),
        ForeignKey("sessions.id", ondelete="CASCADE"),
        primary_key=True,
    )


def _object() -> tuple[Column[str], ForeignKeyConstraint]:
    return (
        Column("object_id", String(_NAME), primary_key=True),
        ForeignKeyConstraint(
            ["session_id", "object_id"], ["objects.session_id", "objects.id"], ondelete="CASCADE"
        ),
    )


sessions = Table(
    "sessions",
    metadata,
    Column("id", String(_NAME), primary_key=True),
    Column("source", JSON, nullable=False, comment="how to open the video; whoever opens it knows"),
    Column("frames", Integer, nullable=False),
    Column("height", Integer, nullable=False),
    Column("width", Integer, nullable=False),
    Column("cuts", JSON, nullable=False),
    Column("notes", JSON, nullable=False, comment="what a client wants to remember"),
    Column("revision", Integer, nullable=False, comment="one more with every edit by a human"),
    Column("mark", BigInteger, nullable=False, comment="one more with every change of any mask"),
    Column("editor", String(_NAME), comment="who edits at this moment"),
    Column("editor_until", Float, comment="when that lease ends"),
    Column("made", Float, nullable=False),
    Column("changed", Float, nullable=False),
)

objects = Table(
    "objects",
    metadata,
    _session(),
    Column("id", String(_NAME), primary_key=True),
    Column("ordinal", Integer, nullable=False, comment="age: the oldest is 0"),
    Column("label", String(_NAME), nullable=False),
)

prompts = Table(
    "prompts",
    metadata,
    _session(),
    *_object(),
    Column("frame", Integer, primary_key=True),
    Column("said", JSON, nullable=False, comment="clicks, box and mask, in pixels"),
)

anchors = Table(
    "anchors",
    metadata,
    _session(),
    *_object(),
    Column("frame", Integer, primary_key=True),
    Column("counts", Text, nullable=False),
    Column("score", Float, nullable=False),
)

spans = Table(
    "spans",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column(
        "session_id", String(_NAME), ForeignKey("sessions.id", ondelete="CASCADE"), nullable=False
    ),
    Column("digest", String(64), nullable=False),
    Column("span", JSON, nullable=False),
    UniqueConstraint("session_id", "digest"),
)

masks = Table(
    "masks",
    metadata,
    _session(),
    *_object(),
    Column("frame", Integer, primary_key=True),
    Column("away", Boolean, primary_key=True, comment="of a removed object, in case it comes back"),
    Column("counts", Text, nullable=False),
    Column("score", Float, nullable=False),
    Column("record", JSON, comment="how the mask came about: refinement, re-identification"),
    Column(
        "span_id",
        Integer,
        ForeignKey("spans.id", ondelete="CASCADE"),
        comment="what it was made for; null while a second pass is to improve it",
    ),
    Column("revision", Integer, nullable=False, comment="of the session when it was written"),
)

frame_marks = Table(
    "frame_marks",
    metadata,
    _session(),
    Column("frame", Integer, primary_key=True),
    Column("mark", BigInteger, nullable=False, comment="of the newest change on this frame"),
    Index(None, "session_id", "mark"),
)

jobs = Table(
    "jobs",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column(
        "session_id", String(_NAME), ForeignKey("sessions.id", ondelete="CASCADE"), nullable=False
    ),
    Column("user", String(_NAME), nullable=False),
    Column("project", String(_NAME), nullable=False),
    Column("priority", Integer, nullable=False),
    Column("start", Integer, comment="first frame that is wanted; null is the first of all"),
    Column("stop", Integer, comment="frame to end before; null is the end"),
    Column("state", String(16), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("owner", String(_NAME), comment="the runner that has the lease"),
    Column("lease_until", Float),
    Column("served", Float, comment="when it last had the device"),
    Column("done", Integer, nullable=False),
    Column("total", Integer, nullable=False),
    Column("frames_per_second", Float, nullable=False),
    Column("error", Text, nullable=False),
    Column("made", Float, nullable=False),
    Column("started", Float),
    Column("ended", Float),
    Index(None, "state", "priority"),
    Index(None, "session_id", "state"),
)

checkpoints = Table(
    "checkpoints",
    metadata,
    _session(),
    Column("name", String(64), primary_key=True, comment="one of the parts of a checkpoint"),
    Column("data", LargeBinary, nullable=False),
    Column("made", Float, nullable=False),
)
"""Propagation that is under way: enough to go on from the middle of a pass."""
