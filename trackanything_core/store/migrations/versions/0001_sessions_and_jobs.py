"""Sessions, what humans said, masks and jobs."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "sessions",
        sa.Column("id", sa.String(length=255), nullable=False),
        sa.Column(
            "source",
            sa.JSON(),
            nullable=False,
            comment="how to open the video; whoever opens it knows",
        ),
        sa.Column("frames", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("cuts", sa.JSON(), nullable=False),
        sa.Column("notes", sa.JSON(), nullable=False, comment="what a client wants to remember"),
        sa.Column(
            "revision", sa.Integer(), nullable=False, comment="one more with every edit by a human"
        ),
        sa.Column(
            "mark",
            sa.BigInteger(),
            nullable=False,
            comment="one more with every change of any mask",
        ),
        sa.Column(
            "editor", sa.String(length=255), nullable=True, comment="who edits at this moment"
        ),
        sa.Column("editor_until", sa.Float(), nullable=True, comment="when that lease ends"),
        sa.Column("made", sa.Float(), nullable=False),
        sa.Column("changed", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sessions")),
    )
    op.create_table(
        "checkpoints",
        sa.Column("session_id", sa.String(length=255), nullable=False),
        sa.Column(
            "name", sa.String(length=64), nullable=False, comment="one of the parts of a checkpoint"
        ),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.Column("made", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(
            ["session_id"],
            ["sessions.id"],
            name=op.f("fk_checkpoints_sessions"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("session_id", "name", name=op.f("pk_checkpoints")),
    )
    op.create_table(
        "frame_marks",
        sa.Column("session_id", sa.String(length=255), nullable=False),
        sa.Column("frame", sa.Integer(), nullable=False),
        sa.Column(
            "mark", sa.BigInteger(), nullable=False, comment="of the newest change on this frame"
        ),
        sa.ForeignKeyConstraint(
            ["session_id"],
            ["sessions.id"],
            name=op.f("fk_frame_marks_sessions"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("session_id", "frame", name=op.f("pk_frame_marks")),
    )
    op.create_index(
        op.f("ix_frame_marks_session_id_mark"), "frame_marks", ["session_id", "mark"], unique=False
    )
    op.create_table(
        "jobs",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("session_id", sa.String(length=255), nullable=False),
        sa.Column("user", sa.String(length=255), nullable=False),
        sa.Column("project", sa.String(length=255), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column(
            "start",
            sa.Integer(),
            nullable=True,
            comment="first frame that is wanted; null is the first of all",
        ),
        sa.Column(
            "stop", sa.Integer(), nullable=True, comment="frame to end before; null is the end"
        ),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column(
            "owner", sa.String(length=255), nullable=True, comment="the runner that has the lease"
        ),
        sa.Column("lease_until", sa.Float(), nullable=True),
        sa.Column("served", sa.Float(), nullable=True, comment="when it last had the device"),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("frames_per_second", sa.Float(), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("made", sa.Float(), nullable=False),
        sa.Column("started", sa.Float(), nullable=True),
        sa.Column("ended", sa.Float(), nullable=True),
        sa.ForeignKeyConstraint(
            ["session_id"], ["sessions.id"], name=op.f("fk_jobs_sessions"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_jobs")),
    )
    op.create_index(op.f("ix_jobs_session_id_state"), "jobs", ["session_id", "state"], unique=False)
    op.create_index(op.f("ix_jobs_state_priority"), "jobs", ["state", "priority"], unique=False)
    op.create_table(
        "objects",
        sa.Column("session_id", sa.String(length=255), nullable=False),
        sa.Column("id", sa.String(length=255), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False, comment="age: the oldest is 0"),
        sa.Column("label", sa.String(length=255), nullable=False),
        sa.ForeignKeyConstraint(
            ["session_id"], ["sessions.id"], name=op.f("fk_objects_sessions"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("session_id", "id", name=op.f("pk_objects")),
    )
    op.create_table(
        "spans",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("session_id", sa.String(length=255), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("span", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["session_id"], ["sessions.id"], name=op.f("fk_spans_sessions"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_spans")),
        sa.UniqueConstraint("session_id", "digest", name=op.f("uq_spans_session_id_digest")),
    )
    op.create_table(
        "anchors",
        sa.Column("session_id", sa.String(length=255), nullable=False),
        sa.Column("object_id", sa.String(length=255), nullable=False),
        sa.Column("frame", sa.Integer(), nullable=False),
        sa.Column("counts", sa.Text(), nullable=False),
        sa.Column("score", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(
            ["session_id", "object_id"],
            ["objects.session_id", "objects.id"],
            name=op.f("fk_anchors_objects"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["session_id"], ["sessions.id"], name=op.f("fk_anchors_sessions"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("session_id", "object_id", "frame", name=op.f("pk_anchors")),
    )
    op.create_table(
        "masks",
        sa.Column("session_id", sa.String(length=255), nullable=False),
        sa.Column("object_id", sa.String(length=255), nullable=False),
        sa.Column("frame", sa.Integer(), nullable=False),
        sa.Column(
            "away",
            sa.Boolean(),
            nullable=False,
            comment="of a removed object, in case it comes back",
        ),
        sa.Column("counts", sa.Text(), nullable=False),
        sa.Column("score", sa.Float(), nullable=False),
        sa.Column(
            "record",
            sa.JSON(),
            nullable=True,
            comment="how the mask came about: refinement, re-identification",
        ),
        sa.Column(
            "span_id",
            sa.Integer(),
            nullable=True,
            comment="what it was made for; null while a second pass is to improve it",
        ),
        sa.Column(
            "revision", sa.Integer(), nullable=False, comment="of the session when it was written"
        ),
        sa.ForeignKeyConstraint(
            ["session_id", "object_id"],
            ["objects.session_id", "objects.id"],
            name=op.f("fk_masks_objects"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["session_id"], ["sessions.id"], name=op.f("fk_masks_sessions"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["span_id"], ["spans.id"], name=op.f("fk_masks_spans"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("session_id", "object_id", "frame", "away", name=op.f("pk_masks")),
    )
    op.create_table(
        "prompts",
        sa.Column("session_id", sa.String(length=255), nullable=False),
        sa.Column("object_id", sa.String(length=255), nullable=False),
        sa.Column("frame", sa.Integer(), nullable=False),
        sa.Column("said", sa.JSON(), nullable=False, comment="clicks, box and mask, in pixels"),
        sa.ForeignKeyConstraint(
            ["session_id", "object_id"],
            ["objects.session_id", "objects.id"],
            name=op.f("fk_prompts_objects"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["session_id"], ["sessions.id"], name=op.f("fk_prompts_sessions"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("session_id", "object_id", "frame", name=op.f("pk_prompts")),
    )


def downgrade() -> None:
    for table in (
        "checkpoints",
        "jobs",
        "frame_marks",
        "masks",
        "spans",
        "anchors",
        "prompts",
        "objects",
        "sessions",
    ):
        op.drop_table(table)
