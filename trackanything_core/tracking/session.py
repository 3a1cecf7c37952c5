"""One video with its objects: prompts make anchors, propagation carries them over the frames."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from trackanything_core.errors import PromptError, VideoError
from trackanything_core.models.base import (
    CarefulSegmenter,
    PropagatorFactory,
    Segmentation,
    Segmenter,
)
from trackanything_core.store.checkpoint import SessionCheckpoint
from trackanything_core.store.session_masks import SessionMasks
from trackanything_core.store.store import Store
from trackanything_core.tracking.frame_masks import FrameMasks
from trackanything_core.tracking.initialise import Initialiser
from trackanything_core.tracking.known_masks import KnownMasks
from trackanything_core.tracking.plan import Direction, plan_legs
from trackanything_core.tracking.propagation import Propagation
from trackanything_core.tracking.refine import Refiner, RefineSettings
from trackanything_core.tracking.runs import Runs
from trackanything_core.tracking.session_file import read_session, write_session
from trackanything_core.tracking.session_schema import SavedSession
from trackanything_core.tracking.suggest import Suggestion, TrackScores, suggest_frames
from trackanything_core.types import FrameIndex, Mask, ObjectId, Prompt
from trackanything_core.video.base import FrameSource

if TYPE_CHECKING:
    from typing_extensions import Self

_EMBEDDING_BYTES = 256 * 2**20
_REFINE = RefineSettings()
CHECKPOINT_EVERY = 50
"""Steps of propagation from one checkpoint to the next."""


class Session:
    """The state of work on one video; one thread at a time.

    The steps are those of Track Anything (arXiv 2304.11968, section 3): a segmenter turns prompts
    into a first mask, a propagator carries it over the video, and where that goes wrong a further
    prompt corrects it. Every prompt makes an anchor, which the machine never touches. A change
    of anchors puts out of date the frames up to the next anchors, cuts or ends, of that object
    alone; `stale` says which, and `propagate` computes these and no others.

    A tracked mask follows from the video and the anchors at the ends of its span, and does not
    depend on the order of edits. Objects that are stale over the same span are followed together
    and compete for pixels; for the rest an object sees the up-to-date masks of older objects, and
    never newer ones. Where masks of two objects meet, the newer object's is on top.

    Nothing is carried over a cut. In a shot where no human spoke of an object it is searched for:
    every frame is matched by itself against the anchors and some tracked frames of the shots
    before and after. A mask counts where several frames in a row look like the object, and
    `FrameMasks.found_again` says so; elsewhere the mask is empty.

    Example:
        >>> session = Session(source, segmenter, propagators)
        >>> found = session.add(Prompt("cat", frame=0, clicks=(Click(10, 12),)))
        >>> found.mask.shape == source.size, found.mask.dtype
        (True, dtype('bool'))
        >>> for answer in session.propagate():  # streams; stop it at any frame
        ...     cat = answer.masks["cat"]
        >>> found = session.prompt(Prompt("cat", frame=4, clicks=(Click(20, 12),)))
        >>> session.stale()
        {'cat': [range(1, 4), range(5, 12)]}
        >>> work = session.propagate()
        >>> last = list(work)[-1]
        >>> work.recomputed
        {'cat': 10}

    Args:
        source: the video; the session reads from it and does not close it.
        segmenter: answers clicks and boxes.
        propagators: makes a propagator for each pass over the video.
        cuts: the first frames of new shots, ascending; nothing is carried over them.
        reidentify: search for objects in shots where no human spoke of them.
        masks: where everything is written as it comes, and what is there already; a temporary
            file of this process by default.
        checkpoint: where the state of propagation is written as it goes; nowhere by default.
        checkpoint_every: steps of propagation that are lost at most if this program dies.
        embedding_bytes: memory for embeddings of prompted frames.
        refine: when the segmenter is asked about masks that were propagated; None never asks.
    """

    def __init__(
        self,
        source: FrameSource,
        segmenter: Segmenter,
        propagators: PropagatorFactory,
        *,
        cuts: Sequence[FrameIndex] = (),
        reidentify: bool = True,
        masks: SessionMasks | None = None,
        checkpoint: SessionCheckpoint | None = None,
        checkpoint_every: int = CHECKPOINT_EVERY,
        embedding_bytes: int = _EMBEDDING_BYTES,
        refine: RefineSettings | None = _REFINE,
    ) -> None:
        self._source = source
        self._initialiser = Initialiser(source, segmenter, embedding_bytes)
        cuts = _checked_cuts(cuts, len(source))
        if masks is None:
            store = Store.temporary()
            store.sessions.make("session", {}, len(source), source.size, cuts)
            masks = store.masks("session")
        self._propagators = propagators
        self._masks = masks
        self._known = KnownMasks(len(source), source.size, cuts, masks, search=reidentify)
        quick = segmenter.quick if isinstance(segmenter, CarefulSegmenter) else segmenter
        self._refiner = None if refine is None else Refiner(quick, refine)
        self._checkpoint, self._checkpoint_every = checkpoint, checkpoint_every
        self._runs = self._new_runs()

    @classmethod
    def load(
        cls,
        path: Path,
        source: FrameSource,
        segmenter: Segmenter,
        propagators: PropagatorFactory,
        *,
        reidentify: bool = True,
        embedding_bytes: int = _EMBEDDING_BYTES,
        refine: RefineSettings | None = _REFINE,
    ) -> Self:
        """Go on with a session that was saved; see `Session` for the arguments.

        Raises:
            SessionFileError: the file is missing, damaged, written by a newer version of this
                program, or belongs to another video.
        """
        saved = read_session(path, len(source), source.size)
        session = cls(
            source,
            segmenter,
            propagators,
            cuts=saved.cuts,
            reidentify=reidentify,
            embedding_bytes=embedding_bytes,
            refine=refine,
        )
        for object_id, contents in saved.objects.items():
            session._known.at_hand(object_id).restore(contents)
        return session

    def refresh(self) -> None:
        """Read again what others have written to the same database; work under way is left.

        Raises:
            StoreError: the database cannot be used.
        """
        self._runs.save()
        self._known = KnownMasks(
            self._known.frame_count,
            self._source.size,
            self._known.cuts,
            self._masks,
            search=self._known.search,
        )
        self._runs = self._new_runs()

    def save(self, path: Path) -> None:
        """Write objects, anchors and tracked masks to one file, whole or not at all.

        The video and the networks are not in it.
        """
        objects = {name: track.contents() for name, track in self._known.tracks()}
        saved = SavedSession(len(self._source), self._source.size, self._known.cuts, objects)
        write_session(path, saved)

    @property
    def source(self) -> FrameSource:
        """The video."""
        return self._source

    @property
    def cuts(self) -> tuple[FrameIndex, ...]:
        """The first frames of new shots, ascending; nothing is carried over them."""
        return self._known.cuts

    @property
    def objects(self) -> tuple[ObjectId, ...]:
        """The objects, in the order in which they were first prompted."""
        return self._known.objects

    @property
    def anchors(self) -> dict[ObjectId, tuple[FrameIndex, ...]]:
        """Per object the frames whose mask a human gave or confirmed, ascending."""
        return {name: self._known[name].anchors for name in self.objects}

    def add(self, prompt: Prompt) -> Segmentation:
        """Prompt an object that is new; as `prompt` otherwise.

        Raises:
            PromptError: as `prompt`, or there is an object of that name.
        """
        if prompt.object_id in self._known:
            raise PromptError(
                f"expected the name of a new object, got {prompt.object_id!r}, which is prompted "
                f"on frame {self.anchors[prompt.object_id][0]}: choose another name"
            )
        return self.prompt(prompt)

    def prompt(self, prompt: Prompt) -> Segmentation:
        """Answer the prompts of one object on one frame and make that mask an anchor.

        `prompt` carries all that was said of the object on that frame, not only the newest click.
        A mask alone is taken as it is; an empty one says that the object is out of sight. A new
        anchor replaces the older one of that frame.

        Returns:
            The mask, at the size of the video.

        Raises:
            PromptError: the prompt does not fit the video, or nothing was found where it points.
                The session is as it was.
        """
        segmentation = self._initialiser.segment(prompt)
        self._known.at_hand(prompt.object_id).anchor(prompt.frame, segmentation.mask, prompt)
        return segmentation

    def forget_anchor(self, frame: FrameIndex, object_id: ObjectId) -> None:
        """Take back all prompts of an object on a frame; with its last anchor the object goes.

        Raises:
            PromptError: there is no such object, or it has no anchor there.
        """
        self._check_object(object_id)
        if not self._known[object_id].is_anchor(frame):
            raise PromptError(
                f"expected a frame on which {object_id!r} is prompted, one of "
                f"{', '.join(map(str, self.anchors[object_id]))}, got {frame}"
            )
        self._known[object_id].forget(frame)

    def remove(self, object_id: ObjectId) -> None:
        """Remove an object with all its masks; the pixels that it took go back to the others.

        Prompting it again in the same way brings the same masks back.

        Raises:
            PromptError: there is no such object.
        """
        self._check_object(object_id)
        self._known[object_id].clear()

    def mask(self, frame: FrameIndex, object_id: ObjectId) -> Mask | None:
        """The mask (H, W) bool of an object on a frame; None where none was given or tracked."""
        return self._known.at(frame).masks.get(object_id)

    def frame_masks(self, frame: FrameIndex) -> FrameMasks:
        """All masks known on a frame, stale ones too."""
        return self._known.at(frame)

    def stale(self) -> dict[ObjectId, list[range]]:
        """Per object the runs of frames whose masks are still to be computed, ascending.

        Objects that are up to date are left out, and frames that no anchor leads to.
        """
        frames = {
            name: [run for found in track.stale().values() for run in found]
            for name, track in self._known.tracks()
        }
        return {name: found for name, found in frames.items() if found}

    def suggest(self, count: int = 1) -> list[Suggestion]:
        """Name the frames that are most worth a human's next look, the best first.

        The ranking follows from the scores and sizes of masks, from anchors and cuts (see
        `suggest_frames`); it is at its best where everything is up to date.

        Args:
            count: the most frames to name.

        Returns:
            Different frames, each with the object that gains most by a correction there. Fewer
            than `count` where no more would mend anything; none while there is no object.
        """
        scored = {}
        for name in self.objects:
            track = self._known[name]
            stored = [track.get(frame) for frame in range(len(self._source))]
            scored[name] = TrackScores(
                track.anchors,
                scores=np.array([np.nan if mask is None else mask.score for mask in stored]),
                areas=np.array([0.0 if mask is None else mask.area for mask in stored]),
            )
        return suggest_frames(scored, self.cuts, count)

    def propagate(
        self,
        direction: Direction = "both",
        start: FrameIndex | None = None,
        stop: FrameIndex | None = None,
        progress: Callable[[int, int], None] | None = None,
        cancelled: Callable[[], bool] | None = None,
    ) -> Propagation:
        """Bring masks up to date, frame by frame, computing what is stale and no more.

        Between two anchors a pass from each is made and both are blended; beyond the outermost
        ones a single pass leads away from the anchor. All wanted frames are then up to date; so
        may be frames that lay on the way to them.

        The iterator that is returned does the work. Masks are kept as they come, so the caller
        may stop at any frame; a later call goes on from there.

        Args:
            direction: "forward" wants the frames that follow an anchor, "backward" those that
                precede one, "both" all.
            start: first frame that is wanted; the video's first if None.
            stop: frame to end before; the video's end if None.
            progress: called after each step with the steps done and the steps to do.
            cancelled: asked before each step; True ends the work there.

        Returns:
            An iterator over all that is known of a frame, in the order of the work; its
            `recomputed` counts the frames with new masks. It may visit a frame twice; the later
            answer is the better one. Empty where nothing is stale.

        Raises:
            PromptError: at once, if no object was ever shown, or no frame is between start and
                stop.
        """
        window = self._window(start, stop)
        if self._masks.is_behind:
            self.refresh()
        if not any(track.is_shown for _, track in self._known.tracks()):
            raise PromptError(
                "nothing to track: prompt an object first, with a click, a box or a mask"
            )
        legs = plan_legs(self._known, window, direction)
        return Propagation(legs, self._runs, self._known, progress, cancelled)

    def save_checkpoint(self) -> None:
        """Write down the state of propagation that was left half-way, if it may be lost.

        Whoever opens the session next goes on from there. It is done every `checkpoint_every`
        steps anyway; call it before the session is let go.

        Raises:
            StoreError: the database cannot be written; the checkpoint before stays.
        """
        self._runs.save()

    def _new_runs(self) -> Runs:
        return Runs(
            self._source,
            self._propagators,
            self._known,
            self._refiner,
            self._checkpoint,
            self._checkpoint_every,
        )

    def _window(self, start: FrameIndex | None, stop: FrameIndex | None) -> range:
        count = len(self._source)
        window = range(start or 0, count if stop is None else stop)
        if not window or window.start < 0 or window.stop > count:
            raise PromptError(
                f"expected 0 <= start < stop <= {count}, the number of frames, "
                f"got start {window.start} and stop {window.stop}"
            )
        return window

    def _check_object(self, object_id: ObjectId) -> None:
        if object_id not in self._known:
            raise PromptError(
                f"expected one of the objects {', '.join(map(repr, self.objects)) or '(none yet)'}"
                f", got {object_id!r}"
            )


def _checked_cuts(cuts: Sequence[FrameIndex], count: int) -> tuple[FrameIndex, ...]:
    ordered = tuple(sorted(set(cuts)))
    if ordered and not 0 < ordered[0] <= ordered[-1] < count:
        raise VideoError(
            f"expected cuts within frames 1..{count - 1} of the video, "
            f"got {ordered[0]}..{ordered[-1]}"
        )
    return ordered
