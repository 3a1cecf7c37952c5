"""One pass of XMem over normalised frames, step by step as in the official code."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from trackanything_core.models.xmem.attention import Places, grid_places
from trackanything_core.models.xmem.elements import Elements
from trackanything_core.models.xmem.memory import Memory, with_prefix_removed
from trackanything_core.models.xmem.network import KeyFeatures, XMemNetwork, aggregate
from trackanything_core.models.xmem.readout import Query
from trackanything_core.models.xmem.settings import PropagationSettings

_PAD_TO = 16


@dataclass(frozen=True, slots=True, eq=False)
class _Newest:
    """The newest frame, as needed to write it to memory another way.

    Attributes:
        image: (1, 3, H, W), padded.
        padding: of the picture: left, right, top, bottom.
        others: (H, W), padded, of objects without a label; None where there are none.
        is_remembered: whether it is in working memory.
        shallow: the sensory memory without a deep update of this frame.
    """

    image: Tensor
    features: KeyFeatures
    places: Places
    padding: tuple[int, int, int, int]
    others: Tensor | None
    is_remembered: bool
    shallow: Tensor | None


class XMemCore:
    """Takes frames and masks as tensors; objects carry the labels 1..N in order of arrival.

    Each cell's value in memory has one channel more than the network reads: the share of the
    cell that the object covers. So a frame reads, beside the values, how much of its attention
    fell on the object.

    Attributes:
        memory: working, long-term and permanent memory.
        hidden: (1, N, Ch, h, w), the sensory memory; None before the first mask, and for a
            network that has none.
        affinity: (N, h, w) float32 in 0..1, of the newest frame that was predicted: the share of
            the attention of each cell that fell on the object. None before there is one.
    """

    def __init__(self, network: XMemNetwork, settings: PropagationSettings) -> None:
        self.memory = Memory(settings, network.position_bias)
        self.hidden: Tensor | None = None
        self.affinity: Tensor | None = None
        self._newest: _Newest | None = None
        self._network = network
        self._settings = settings
        self._time = -1
        self._last_memory_time = 0
        self._last_deep_time = -(settings.deep_update_every or 0)

    @torch.inference_mode()
    def step(
        self,
        image: Tensor,
        mask: Tensor | None = None,
        valid_labels: Sequence[int] | None = None,
        *,
        context: Tensor | None = None,
        last: bool = False,
    ) -> Tensor:
        """Take the next frame.

        Args:
            image: (3, H, W) float, normalised by the ImageNet mean and deviation.
            mask: (N, H, W) float in 0..1, one channel for each object known by now; N may have
                grown. The first step needs one.
            valid_labels: the labels that `mask` speaks of; the rest is predicted. None uses the
                whole mask as it is.
            context: (H, W) float in 0..1 of all objects that have no label; they compete for
                pixels as one, except where `mask` gives a pixel to an object.
            last: nothing follows, so nothing is remembered.

        Returns:
            (N + 1, H, W) probabilities, background first.

        Raises:
            ValueError: no mask was ever given, or it lacks objects that are known.
        """
        if mask is None and not self.memory.objects:
            raise ValueError("the first step needs a mask")
        if mask is not None and len(mask) < self.memory.objects:
            raise ValueError(
                f"expected a mask of {self.memory.objects} objects or more, got {len(mask)}"
            )
        self._time += 1
        settings = self._settings
        since_memory = self._time - self._last_memory_time
        is_memory = not last and (mask is not None or since_memory >= settings.memory_every)
        partial = valid_labels is None or mask is None or len(valid_labels) != len(mask)
        is_deep, is_normal = self._updates(is_memory, last)

        height, width = image.shape[-2:]
        padding = _padding(height, width)
        image = F.pad(image, padding).unsqueeze(0)
        features, places = self._look_at(image, self._time)
        others = None if context is None else F.pad(context.to(image), padding)
        self.affinity = None
        competing: Tensor | None = None
        if self.memory.objects and partial:
            competing = _compete(self._predict(features, places, is_normal), others)
        if mask is not None:
            given = F.pad(mask.to(image), padding)
            predicted = None if competing is None else competing[1 : 1 + self.memory.objects]
            left_free = None if others is None else others.masked_fill(given.sum(0) > 0.5, 0)
            competing = _compete(_merged(given, predicted, valid_labels), left_free)
            self._extend_hidden(len(given), features.key)
        assert competing is not None
        probabilities = competing
        if others is not None:
            background = competing[:1] + competing[-1:]
            probabilities = torch.cat([background, competing[1:-1]])
        self._newest = _Newest(image, features, places, padding, others, is_memory, self.hidden)
        if is_memory:
            self._remember(self._newest, competing[1:], len(probabilities) - 1, is_deep)
        left, _, top, _ = padding
        return probabilities[:, top : top + height, left : left + width]

    @torch.inference_mode()
    def correct(self, probabilities: Tensor) -> None:
        """Put the newest frame into working memory with other masks than were predicted.

        Args:
            probabilities: (N, H, W) float in 0..1 of all objects.

        Raises:
            ValueError: no step was taken since the start or since `restore`, or objects lack.
        """
        newest = self._newest
        if newest is None or len(probabilities) != self.memory.objects:
            raise ValueError(
                f"expected masks of {self.memory.objects} objects after a step, got "
                f"{len(probabilities)} {'before one' if newest is None else ''}"
            )
        masks = _compete(F.pad(probabilities.to(newest.image), newest.padding), newest.others)[1:]
        if newest.is_remembered:
            self.memory.forget_newest()
        self.hidden = newest.shallow
        self._remember(newest, masks, len(probabilities), is_deep=True)
        self._newest = replace(newest, is_remembered=True)

    @torch.inference_mode()
    def remember(self, image: Tensor, mask: Tensor, time: int) -> None:
        """Keep a frame in permanent memory.

        Args:
            image: as for `step`.
            mask: (N, H, W) float in 0..1 of all objects known by now; N may have grown.
            time: where the frame lies, in steps of the pass, of which the first is 0.

        Raises:
            ValueError: the mask lacks objects that are known.
        """
        padding = _padding(*image.shape[-2:])
        image = F.pad(image, padding).unsqueeze(0)
        features, places = self._look_at(image, time)
        competing = aggregate(F.pad(mask.to(image), padding), dim=0)
        value = self._network.encode_value(image, features.f16, competing[1:].unsqueeze(0))
        with _full_precision(features.key):
            cells = _value_rows(value, competing[1:])
            self.memory.remember(_elements(features, places), cells)
        self._extend_hidden(len(mask), features.key)

    def state(self) -> dict[str, Tensor]:
        """All that a pass knows, by name; a core that restores it goes on identically."""
        times = [self._time, self._last_memory_time, self._last_deep_time]
        state = {f"memory.{name}": tensor for name, tensor in self.memory.state().items()}
        state["times"] = torch.tensor(times)
        if self.hidden is not None:
            state["hidden"] = self.hidden
        return state

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Go back to what `state` gave."""
        self._time, self._last_memory_time, self._last_deep_time = state["times"].tolist()
        self.hidden = state.get("hidden")
        self.memory.restore(with_prefix_removed(state, "memory."))
        self._newest = self.affinity = None

    def _updates(self, is_memory: bool, last: bool) -> tuple[bool, bool]:
        """Whether the sensory memory is due for a deep update, and for an ordinary one."""
        if last:
            return False, False
        if self._settings.deep_update_every is None:
            return is_memory, not is_memory
        return self._time - self._last_deep_time >= self._settings.deep_update_every, True

    def _look_at(self, image: Tensor, time: int) -> tuple[KeyFeatures, Places]:
        """What is to be seen in a padded picture (1, 3, H, W), and where and when that is."""
        features = self._network.encode_key(image)
        places = grid_places(
            features.key.shape[-2],
            features.key.shape[-1],
            stride=image.shape[-1] // features.key.shape[-1],
            time=time,
            like=features.key,
        )
        return features, places

    def _predict(self, features: KeyFeatures, places: Places, update_hidden: bool) -> Tensor:
        """(N, H, W) of what memory says of this frame, each object by itself."""
        query = Query(_rows(features.key), _rows(features.selection), places)
        with _full_precision(features.key):
            values = self.memory.read(query)
        grid = torch.unflatten(values.permute(1, 2, 0), 2, features.key.shape[-2:])
        readout, self.affinity = grid[:, :-1].unsqueeze(0), grid[:, -1].float()
        logits, hidden = self._network.segment(
            features, readout, self.hidden, update_hidden=update_hidden
        )
        self.hidden = hidden
        return torch.sigmoid(logits[0].float())

    def _extend_hidden(self, objects: int, like: Tensor) -> None:
        """Objects that are new start with an empty sensory memory."""
        channels = self._network.config.hidden_dim
        if channels == 0:
            return
        known = 0 if self.hidden is None else self.hidden.shape[1]
        fresh = like.new_zeros(1, objects - known, channels, *like.shape[-2:])
        self.hidden = fresh if self.hidden is None else torch.cat([self.hidden, fresh], dim=1)

    def _remember(self, newest: _Newest, masks: Tensor, objects: int, is_deep: bool) -> None:
        """Keep a frame in working memory: the first `objects` masks; each sees all others."""
        features = newest.features
        value = self._network.encode_value(newest.image, features.f16, masks.unsqueeze(0))
        value = value[:, :objects]
        with _full_precision(features.key):
            cells = _value_rows(value, masks[:objects])
            self.memory.add(_elements(features, newest.places), cells)
        self._last_memory_time = self._time
        if is_deep and self.hidden is not None:
            self.hidden = self._network.reinforce_hidden(value, self.hidden)
            self._last_deep_time = self._time


def _full_precision(like: Tensor) -> torch.autocast:
    """Similarities of squares differ in digits that reduced precision does not have."""
    return torch.autocast(like.device.type, enabled=False)


def _rows(grid: Tensor) -> Tensor:
    """(1, C, h, w) → (h·w, C) float32."""
    return grid[0].flatten(1).T.float().contiguous()


def _elements(features: KeyFeatures, places: Places) -> Elements:
    shrinkage = _rows(features.shrinkage)[:, 0]
    return Elements.fresh(_rows(features.key), shrinkage, _rows(features.selection), places)


def _value_rows(value: Tensor, masks: Tensor) -> Tensor:
    """Values (1, N, Cv, h, w) and the masks (N, H, W) that they are of → (h·w, N, Cv + 1)."""
    covered = F.adaptive_avg_pool2d(masks, (value.shape[-2], value.shape[-1])).to(value)
    cells = torch.cat([value[0], covered.unsqueeze(1)], dim=1)
    return cells.flatten(2).permute(2, 0, 1).contiguous()


def _compete(objects: Tensor, context: Tensor | None) -> Tensor:
    """(N, H, W) → a distribution over background, objects and, where there is one, context."""
    rows = objects if context is None else torch.cat([objects, context.unsqueeze(0)])
    return aggregate(rows, dim=0)


def _padding(height: int, width: int) -> tuple[int, int, int, int]:
    """Left, right, top and bottom, up to the next multiples that the network takes."""
    across, down = -width % _PAD_TO, -height % _PAD_TO
    return across // 2, across - across // 2, down // 2, down - down // 2


def _merged(given: Tensor, predicted: Tensor | None, valid_labels: Sequence[int] | None) -> Tensor:
    """The given mask; objects that it does not speak of as predicted, where it leaves room.

    Both are (N, H, W); a prediction may lack objects that are new.
    """
    if predicted is None or valid_labels is None:
        return given
    taken = given.sum(0) > 0.5
    rest = predicted.masked_fill(taken, 0)
    kept = [i for i in range(len(rest)) if i + 1 not in valid_labels]
    merged = given.clone()
    merged[kept] = rest[kept]
    return merged
