"""One video with its objects: prompts make anchors, propagation carries them over the frames."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from trackanything_core.errors import PromptError
from trackanything_core.models.base import PropagatorFactory, Segmentation, Segmenter
from trackanything_core.tracking.frame_masks import FrameMasks
from trackanything_core.tracking.initialise import Initialiser
from trackanything_core.tracking.known_masks import KnownMasks
from trackanything_core.tracking.plan import Direction, Pass, plan_passes
from trackanything_core.tracking.propagate import run_pass
from trackanything_core.types import FrameIndex, Mask, ObjectId, Prompt
from trackanything_core.video.base import FrameSource

_EMBEDDING_BYTES = 256 * 2**20


class Session:
    """The state of work on one video; one thread at a time.

    The steps are those of Track Anything (arXiv 2304.11968, section 3): a segmenter turns prompts
    into a first mask, a propagator carries it over the video.

    Args:
        source: the video; the session reads from it and does not close it.
        segmenter: answers clicks and boxes.
        propagators: makes a propagator for each pass over the video.
        embedding_bytes: memory for embeddings of prompted frames.
    """

    def __init__(
        self,
        source: FrameSource,
        segmenter: Segmenter,
        propagators: PropagatorFactory,
        *,
        embedding_bytes: int = _EMBEDDING_BYTES,
    ) -> None:
        self._source = source
        self._initialiser = Initialiser(source, segmenter, embedding_bytes)
        self._propagators = propagators
        self._known = KnownMasks()

    @property
    def source(self) -> FrameSource:
        """The video."""
        return self._source

    @property
    def objects(self) -> tuple[ObjectId, ...]:
        """The objects, in the order in which they were first prompted."""
        return self._known.anchors.objects

    @property
    def anchors(self) -> dict[ObjectId, tuple[FrameIndex, ...]]:
        """Per object the frames whose mask a human gave or confirmed, ascending."""
        return {name: self._known.anchors.frames(name) for name in self.objects}

    def prompt(self, prompt: Prompt) -> Segmentation:
        """Answer the prompts of one object on one frame and make that mask an anchor.

        `prompt` carries all that was said of the object on that frame, not only the newest click.
        A mask alone is taken as it is. A new anchor replaces the older one of that frame.

        Returns:
            The mask, at the size of the video.

        Raises:
            PromptError: the prompt does not fit the video, or nothing was found where it points.
                The session is as it was.
        """
        segmentation = self._initialiser.segment(prompt)
        self._known.anchor(prompt.frame, prompt.object_id, segmentation.mask)
        return segmentation

    def mask(self, frame: FrameIndex, object_id: ObjectId) -> Mask | None:
        """The mask (H, W) bool of an object on a frame; None where none was given or tracked."""
        stored = self._known.get(frame, object_id)
        return stored.decode() if stored else None

    def frame_masks(self, frame: FrameIndex) -> FrameMasks:
        """All masks known on a frame."""
        return self._known.at(frame)

    def propagate(
        self,
        direction: Direction = "both",
        start: FrameIndex | None = None,
        stop: FrameIndex | None = None,
        progress: Callable[[int, int], None] | None = None,
        cancelled: Callable[[], bool] | None = None,
    ) -> Iterator[FrameMasks]:
        """Carry all objects from their anchors over the video, frame by frame.

        Each object is followed from its first anchor to the end; "both" then goes backward over
        the frames before it. "forward" leaves those out; "backward" starts at the last anchors
        and goes down. With `start` or `stop`, an object without an anchor between them is picked
        up from the mask that it has on the first of these frames, or else on the last.

        Masks are kept as they come, so a caller may stop at any frame.

        Args:
            direction: "both", "forward" or "backward".
            start: first frame to work on; the video's first if None.
            stop: frame to end before; the video's end if None.
            progress: called after each frame with the frames done and the frames to do.
            cancelled: asked before each frame; True ends the work there.

        Yields:
            All that is known of a frame, in the order of the work. "both" may visit a frame
            twice; the later answer is the fuller one.

        Raises:
            PromptError: at once, if there is nothing to track or no frame between start and stop.
        """
        window = self._window(start, stop)
        entries = self._entries(window, direction, bounded=(start, stop) != (None, None))
        if not entries:
            raise PromptError(
                f"nothing to track on frames {window[0]}..{window[-1]}: prompt an object first, "
                "with a click, a box or a mask"
            )
        return self._run(plan_passes(entries, window, direction), progress, cancelled)

    def _run(
        self,
        passes: Sequence[Pass],
        progress: Callable[[int, int], None] | None,
        cancelled: Callable[[], bool] | None,
    ) -> Iterator[FrameMasks]:
        done, total = 0, sum(len(planned.frames) for planned in passes)
        for planned in passes:
            if cancelled and cancelled():
                return
            for frame in run_pass(self._source, self._propagators.start(), planned, self._known):
                done += 1
                if progress:
                    progress(done, total)
                yield self._known.at(frame)
                if cancelled and cancelled():
                    return

    def _window(self, start: FrameIndex | None, stop: FrameIndex | None) -> range:
        count = len(self._source)
        window = range(start or 0, count if stop is None else stop)
        if not window or window.start < 0 or window.stop > count:
            raise PromptError(
                f"expected 0 <= start < stop <= {count}, the number of frames, "
                f"got start {window.start} and stop {window.stop}"
            )
        return window

    def _entries(
        self, window: range, direction: Direction, *, bounded: bool
    ) -> dict[ObjectId, Sequence[FrameIndex]]:
        """Per object the frames of the window to track it from; an empty mask leads nowhere."""
        edges = (window[-1], window[0]) if direction == "backward" else (window[0], window[-1])
        entries: dict[ObjectId, Sequence[FrameIndex]] = {}
        for object_id, anchors in self.anchors.items():
            seen = [f for f in anchors if f in window and self._is_seen(f, object_id)]
            if not seen and bounded:
                seen = [f for f in edges if self._is_seen(f, object_id)][:1]
            if seen:
                entries[object_id] = seen
        return entries

    def _is_seen(self, frame: FrameIndex, object_id: ObjectId) -> bool:
        mask = self.mask(frame, object_id)
        return mask is not None and bool(mask.any())
