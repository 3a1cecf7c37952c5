"""Run our XMem over a recorded run, and note everything that the recording holds."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from tests.parity.goldens import Golden, keys_of, salt_of
from tests.parity.standin_weights import standin_weights
from trackanything_core.models.weights import apply_state_dict
from trackanything_core.models.xmem import consolidation
from trackanything_core.models.xmem import memory as memory_module
from trackanything_core.models.xmem.attention import dense_affinity, similarity
from trackanything_core.models.xmem.checkpoint import official_config
from trackanything_core.models.xmem.config import NetworkConfig
from trackanything_core.models.xmem.core import XMemCore
from trackanything_core.models.xmem.elements import Elements
from trackanything_core.models.xmem.network import KeyFeatures, XMemNetwork
from trackanything_core.models.xmem.normalise import normalise
from trackanything_core.models.xmem.settings import PropagationSettings


class RecordingNetwork(XMemNetwork):
    """The network, noting what went in and out during the current step."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__(config)
        self.seen: dict[str, Tensor] = {}
        self.features: KeyFeatures | None = None

    def encode_key(self, image):
        self.features = features = super().encode_key(image)
        self.seen |= {name: getattr(features, name)[0] for name in ("key", "shrinkage")}
        self.seen |= {"selection": features.selection[0], "f16": features.f16[0]}
        self.seen |= {"f8": features.f8[0, :32], "f4": features.f4[0, :16]}
        return features

    def encode_value(self, image, f16, masks):
        value = super().encode_value(image, f16, masks)
        self.seen |= {"value_in_mask": masks[0], "value": value[0]}
        return value

    def reinforce_hidden(self, value, hidden):
        self.seen["value_in_hidden"] = hidden[0]
        return super().reinforce_hidden(value, hidden)

    def segment(self, features, readout, hidden=None, *, update_hidden=False):
        logits, after = super().segment(features, readout, hidden, update_hidden=update_hidden)
        self.seen |= {"readout": readout[0], "segment_in_hidden": hidden[0]}
        self.seen["decoder_logits"] = logits[0]
        if update_hidden and after is not None:
            self.seen["segment_out_hidden"] = after[0]
        return logits, after


@functools.lru_cache(maxsize=1)
def network_of(folder: Path) -> RecordingNetwork:
    """The network with the stand-in weights of a folder; it takes seconds to make."""
    weights = standin_weights(keys_of(folder), salt_of(folder))
    state = {name: torch.from_numpy(array) for name, array in weights.items()}
    network = RecordingNetwork(official_config(state, source=folder)).eval()
    apply_state_dict(network, state, source=folder, expected="the official layout")
    return network


def settings_of(config: dict[str, Any]) -> PropagationSettings:
    """The recording's configuration in our words.

    `enable_long_term_count_usage` is left out: long-term use is always counted, which shows in
    nothing but removals, and those the official code refuses without it.
    """
    every = config["deep_update_every"]
    return PropagationSettings(
        internal_size=None,
        memory_every=config["mem_every"],
        deep_update_every=None if every < 0 else every,
        top_k=config["top_k"],
        long_term=config["enable_long_term"],
        max_working_frames=config["max_mid_term_frames"],
        min_working_frames=config["min_mid_term_frames"],
        prototypes=config["num_prototypes"],
        max_long_term_elements=config["max_long_term_elements"],
    )


def replay(golden: Golden, monkeypatch: Any) -> dict[str, Any]:
    """Values by the names that the recording uses, for every name that it has."""
    return Replay(golden, monkeypatch).run()


class Replay:
    """One run over one golden."""

    def __init__(self, golden: Golden, monkeypatch: Any) -> None:
        self.arrays = golden.arrays()
        self.frames = golden.frames()
        config = json.loads(str(self.arrays["config_json"]))
        self.network = network_of(golden.folder)
        self.settings = settings_of(config)
        self.core = XMemCore(self.network, self.settings)
        self.out: dict[str, Any] = {}
        self.time = 0
        self.consolidations = 0
        self.removals = 0
        self._spy_on_consolidation(monkeypatch)

    def run(self) -> dict[str, Any]:
        order = self.arrays["order"]
        strict = set(self.arrays["strict_frames"].tolist())
        prob_frames = set(self.arrays["prob_frames"].tolist())
        rows: dict[str, list[Any]] = {}
        for self.time in range(len(order)):
            self.network.seen = {}
            before = self._elements_in_memory()
            probabilities = self._step().numpy()
            for name, value in self._step_summary(probabilities).items():
                rows.setdefault(name, []).append(value)
            if self.time in strict:
                self.out[f"prob_f32_t{self.time}"] = probabilities
            if self.time in prob_frames:
                rows.setdefault("prob_f16", []).append(probabilities[1:])
            if self.time == int(self.arrays["debug_frame"]):
                self._note_debug(before)
        self.out |= rows
        self._note_final()
        return self.out

    def _step(self) -> Tensor:
        image = torch.from_numpy(self.frames[self.arrays["order"][self.time]]).permute(2, 0, 1)
        last = bool(self.arrays["end_last"]) and self.time == len(self.arrays["order"]) - 1
        if self.time not in self.arrays["event_frames"]:
            return self.core.step(normalise(image), last=last)
        event = f"event{self.time}_"
        mask = torch.from_numpy(self.arrays[f"{event}mask"]).float()
        assert self.arrays[f"{event}all_labels"].tolist() == list(range(1, len(mask) + 1))
        valid = self.arrays[f"{event}valid_labels"].tolist()
        labels = None if valid == [-1] else valid
        return self.core.step(normalise(image), mask, labels, last=last)

    def _step_summary(self, probabilities: Any) -> dict[str, Any]:
        objects = len(probabilities)
        hidden = self.core.hidden
        assert hidden is not None
        return {
            "argmax": probabilities.argmax(0),
            "num_objects": objects - 1,
            "prob_mean": probabilities.mean((1, 2), dtype=np.float64),
            "prob_std": probabilities.std((1, 2), dtype=np.float64, ddof=1),
            "is_mem_frame": int("value" in self.network.seen),
            "work_size": len(self.core.memory.working),
            "long_size": len(self.core.memory.long_term),
            "hidden_mean": hidden.double().mean().item(),
            "hidden_std": hidden.double().std().item(),
        }

    def _elements_in_memory(self) -> tuple[Elements, list[list[slice]]] | None:
        """The elements, and per group the rows of them for which it has values."""
        stores = [s for s in (self.core.memory.long_term, self.core.memory.working) if len(s)]
        if not stores:
            return None
        rows: list[list[slice]] = [[] for _ in stores[0].values]
        end = 0
        for store in stores:
            end += len(store)
            for group, value in enumerate(store.values):
                rows[group].append(slice(end - len(value), end))
        return Elements.join([s.elements for s in stores if s.elements is not None]), rows

    def _note_debug(self, before: tuple[Elements, list[list[slice]]] | None) -> None:
        seen, hidden = self.network.seen, self.core.hidden
        assert hidden is not None
        if "value" in seen:
            seen.setdefault("value_in_hidden", hidden[0])
            seen["hidden_after_value_encoder"] = hidden[0]
        seen["hidden_end_of_step"] = hidden[0]
        working = self.core.memory.working.elements
        assert working is not None
        seen["work_key"] = working.key.T
        if before is not None and "readout" in seen:
            elements, rows_of_groups = before
            key, selection = (seen[n].flatten(1).T for n in ("key", "selection"))
            found = similarity(key, selection, elements.key, elements.shrinkage)
            seen["similarity"] = found.T
            for group, rows in enumerate(rows_of_groups):
                columns = torch.cat([found[:, part] for part in rows], dim=1)
                affinity = dense_affinity(columns, self.settings.top_k)
                seen[f"affinity_group{group}"] = affinity.T
        self.out |= {f"dbg_{name}": value.numpy() for name, value in seen.items()}

    def _note_final(self) -> None:
        memory, hidden = self.core.memory, self.core.hidden
        assert hidden is not None
        self.out["hidden_final"] = hidden[0].numpy()
        self.out["final_work_value_sizes"] = [len(v) for v in memory.working.values]
        if memory.long_term.elements is not None:
            self.out["final_lt_value_sizes"] = [len(v) for v in memory.long_term.values]
            self.out["final_lt_key"] = memory.long_term.elements.key.T.numpy()
            self.out["final_lt_shrinkage"] = memory.long_term.elements.shrinkage.numpy()

    def _spy_on_consolidation(self, monkeypatch: Any) -> None:
        consolidate, survivors = consolidation.consolidate, consolidation.survivors

        def noting_consolidate(candidates, values, count, bias=None):
            made = consolidate(candidates, values, count, bias)
            noted = {
                "t": self.time,
                "usage": candidates.usage,
                "indices": made.indices,
                "prototype_shrinkage": made.elements.shrinkage,
                "group_sizes": [len(value) for value in made.values],
                "prototype_key": made.elements.key.T,
                "prototype_value_obj0_first64": made.values[0][:, 0, :64].T,
            }
            self.out |= {f"cons{self.consolidations}_{k}": v for k, v in noted.items()}
            self.consolidations += 1
            return made

        def noting_survivors(usage, at_most):
            kept = survivors(usage, at_most)
            if len(usage) > at_most:
                noted = {
                    "t": self.time,
                    "before_after_max": [len(usage), int(kept.sum()), at_most],
                    "usage": usage,
                    "survived": kept,
                }
                self.out |= {f"removal{self.removals}_{k}": v for k, v in noted.items()}
                self.removals += 1
            return kept

        monkeypatch.setattr(memory_module, "consolidate", noting_consolidate)
        monkeypatch.setattr(memory_module, "survivors", noting_survivors)
